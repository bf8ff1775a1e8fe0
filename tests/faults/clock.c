/* A calendar clock that a test sets ahead, by the seconds in the file CLOCK_AHEAD_FILE; the monotonic clock goes on as
 * on a real host. libfaketime moves both or, told to leave the monotonic clock alone, breaks sleeping. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long ahead(void)
{
    long seconds = 0;
    FILE *file = fopen(getenv("CLOCK_AHEAD_FILE"), "r");

    if (file) {
        if (fscanf(file, "%ld", &seconds) != 1)
            seconds = 0;
        fclose(file);
    }
    return seconds;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    int failed;

    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    failed = real(id, now);
    if (!failed && id == CLOCK_REALTIME)
        now->tv_sec += ahead();
    return failed;
}
