// Signals come all the time while names are made and changed: each call must do what it says, once. storm ROUNDS
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static volatile long signals;
static long wrong;

static void count(int signal) { signals += signal != 0; }

static void must(int done, const char *what) {
    if (done >= 0 || errno == EINTR) return;
    if (wrong++ < 5) printf("%s: %s\n", what, strerror(errno));
}

#define RETRY(call) ({ int done; do done = (call); while (done < 0 && errno == EINTR); done; })

int main(int argc, char **args) {
    if (argc != 2) return 2;
    struct sigaction action = {.sa_handler = count};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {{0, 150}, {0, 150}};
    setitimer(ITIMER_REAL, &timer, NULL);
    char a[32], b[32];
    for (long i = 0; i < atol(args[1]); i++) {
        sprintf(a, "s%ld", i), sprintf(b, "t%ld", i);
        must(RETRY(mkdir(a, 0755)), "mkdir");
        must(RETRY(rename(a, b)), "rename");
        must(RETRY(rmdir(b)), "rmdir");
        int fd = RETRY(open(a, O_CREAT | O_EXCL | O_WRONLY, 0644));
        must(fd, "open");
        must(RETRY(link(a, b)), "link");
        must(RETRY(unlink(a)), "unlink");
        must(RETRY(unlink(b)), "unlink");
        must(RETRY(symlink("x", a)), "symlink");
        must(RETRY(unlink(a)), "unlink");
        close(fd);
    }
    printf("%s, wrong %ld times\n", signals > 10 ? "many signals" : "few signals", wrong);
}
