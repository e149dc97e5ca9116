/* option_value.h - from an option's text to its field in the settings, one function a kind of
 * value; private to the option_*.c files. Each is an option_parse_value of option_table.h.
 */
#ifndef OPTIONS_OPTION_VALUE_H
#define OPTIONS_OPTION_VALUE_H

#include "common/options/option_table.h"

option_parse_value value_text;     /* char[]: no control character in it */
option_parse_value value_path;     /* char[PATH_MAX]: made absolute, for we leave the directory */
option_parse_value value_secret;   /* the same, and never shown */
option_parse_value value_list;     /* char[]: texts with a comma between; `none`: empty */
option_parse_value value_choice;   /* int or enum: the index among option->choices */
option_parse_value value_switch;   /* bool, as Go's strconv.ParseBool reads it */
option_parse_value value_duration; /* uint64_t, within the option's bounds */
option_parse_value value_auto;     /* the same, or `auto`: DURATION_AUTOMATIC */
option_parse_value value_signal;   /* int */
option_parse_value value_signals;  /* uint64_t mask */
option_parse_value value_hook;     /* char[] that splits into words */
option_parse_value value_store;    /* store and store_path */
option_parse_value value_address;  /* char[]: host:port, http://, https://, unix:// */
option_parse_value value_rewrites; /* struct signal_rewrites */
option_parse_value value_restart_limit; /* struct restart_limit: COUNT/DURATION */
option_parse_value value_probes;        /* char[]: one a line; each that is given is added */
option_parse_value value_endpoint;      /* register_address and register_port: [ADDRESS:]PORT */
option_parse_value value_tag_service;   /* char[]: a `*` at its end alone */

#endif
