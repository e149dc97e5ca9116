/* inherited.h - the descriptors that we were started with, besides the first three: they are the
 * program's. While one of ours has them too, nobody sees that the program has closed them.
 */
#ifndef PROCESS_INHERITED_H
#define PROCESS_INHERITED_H

/* To be called before anything is opened. */
void inherited_note(void);

/* This process does not start the program, or not again. */
void inherited_close(void);

#endif
