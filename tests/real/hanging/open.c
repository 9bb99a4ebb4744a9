// Opening the file of the variable NEVER_OPENS does not end, as on a file system whose server is
// gone. A file beside it, with .waits behind its name, says that somebody waits.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int open64(const char *path, int flags, ...)
{
    const char *never = getenv("NEVER_OPENS");
    if (never && strcmp(path, never) == 0) {
        char waits[4096];
        snprintf(waits, sizeof waits, "%s.waits", path);
        close(creat(waits, 0600));
        for (;;)
            pause();
    }
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
    return next(path, flags, mode);
}
