/*
 * A disk that refuses, for a program that this is preloaded into (LD_PRELOAD): of the calls that change what is below
 * REFUSING_FOLDER, those from number REFUSING_FROM to REFUSING_TO (the first is 1) fail with the error REFUSING_ERRNO.
 * The name of each call is appended to REFUSING_LOG. Its children write undisturbed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *folder;
static int log_fd = -1;
static long calls, from, to;
static int error_number;

__attribute__((constructor)) static void begin(void)
{
    if (getenv("REFUSING_TAKEN"))
        return;
    setenv("REFUSING_TAKEN", "1", 1);
    from = atol(getenv("REFUSING_FROM"));
    to = atol(getenv("REFUSING_TO"));
    error_number = atoi(getenv("REFUSING_ERRNO"));
    log_fd = open(getenv("REFUSING_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    folder = getenv("REFUSING_FOLDER");
}

/* Whether this call is to fail; it is counted where it is one of the folder's. */
static int refused(const char *name, const char *path)
{
    if (!folder || !path || strncmp(path, folder, strlen(folder)) != 0)
        return 0;
    long number = __sync_add_and_fetch(&calls, 1);
    dprintf(log_fd, "%s\n", name);
    if (number < from || number > to)
        return 0;
    errno = error_number;
    return 1;
}

static int refused_fd(const char *name, int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = folder ? readlink(link, path, sizeof path - 1) : -1;
    if (length < 0)
        return 0;
    path[length] = 0;
    return refused(name, path);
}

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) \
        real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t size)
{
    REAL(ssize_t, write, int, const void *, size_t);
    return fd != log_fd && refused_fd("write", fd) ? -1 : real(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *data, int count)
{
    REAL(ssize_t, writev, int, const struct iovec *, int);
    return refused_fd("writev", fd) ? -1 : real(fd, data, count);
}

int fsync(int fd)
{
    REAL(int, fsync, int);
    return refused_fd("fsync", fd) ? -1 : real(fd);
}

int posix_fallocate(int fd, off_t start, off_t size)
{
    REAL(int, posix_fallocate, int, off_t, off_t);
    return refused_fd("fallocate", fd) ? errno : real(fd, start, size);
}

int posix_fallocate64(int fd, off64_t start, off64_t size)
{
    REAL(int, posix_fallocate64, int, off64_t, off64_t);
    return refused_fd("fallocate", fd) ? errno : real(fd, start, size);
}

int rename(const char *old, const char *new)
{
    REAL(int, rename, const char *, const char *);
    return refused("rename", new) ? -1 : real(old, new);
}

int unlink(const char *path)
{
    REAL(int, unlink, const char *);
    return refused("unlink", path) ? -1 : real(path);
}

int mkdir(const char *path, mode_t mode)
{
    REAL(int, mkdir, const char *, mode_t);
    return refused("mkdir", path) ? -1 : real(path, mode);
}

static int created(const char *path, int flags)
{
    return (flags & O_CREAT) && refused("create", path);
}

int open(const char *path, int flags, ...)
{
    REAL(int, open, const char *, int, ...);
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return created(path, flags) ? -1 : real(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    REAL(int, open64, const char *, int, ...);
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return created(path, flags) ? -1 : real(path, flags, mode);
}
