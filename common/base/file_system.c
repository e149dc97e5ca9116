#include "common/base/file_system.h"

#include <linux/magic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/vfs.h>

/* statfs(2), "f_type"; those that linux/magic.h lacks from their own sources. */
static const uint32_t remote_types[] = {
    0x6969,     /* NFS */
    0x517b,     /* SMB */
    0xfe534d42, /* SMB2 */
    0xff534d42, /* CIFS */
    0x5346414f, /* AFS */
    0x73757245, /* CODA */
    0x00c36400, /* CEPH */
    0x01021997, /* 9P */
    0x0bd00bd0, /* LUSTRE */
    0x47504653, /* GPFS */
    0x7461636f, /* OCFS2 */
    0x01161970, /* GFS2 */
    0x65735546, /* FUSE */
};

bool file_system_is_remote(int fd)
{
    struct statfs status;

    if (fstatfs(fd, &status) < 0)
        return false;
    for (size_t i = 0; i < sizeof remote_types / sizeof remote_types[0]; i++)
        if ((uint32_t)status.f_type == remote_types[i])
            return true;
    return false;
}

bool file_system_is_memory(const char *path)
{
    struct statfs status;

    return statfs(path, &status) == 0 &&
           ((uint32_t)status.f_type == TMPFS_MAGIC || (uint32_t)status.f_type == RAMFS_MAGIC);
}
