/* thread.h - a thread, a lock and a signal: POSIX, and where there is none, no thread, which callers have to expect.
 * Contract: sl_thread_start gives 0 where no thread could be started; a thread that was started is on its own. */
#ifndef SL_PYTHON_THREAD_H
#define SL_PYTHON_THREAD_H

#if defined(_WIN32)
typedef int sl_lock, sl_signal;
static inline long sl_process(void) { return 1; }
#define sl_lock_init(lock) ((void)(lock))
#define sl_lock_free(lock) ((void)(lock))
#define sl_lock_take(lock) ((void)(lock))
#define sl_lock_give(lock) ((void)(lock))
#define sl_signal_init(signal) ((void)(signal))
#define sl_signal_free(signal) ((void)(signal))
#define sl_signal_all(signal) ((void)(signal))
#define sl_signal_wait(signal, lock) ((void)(signal))
static inline int sl_thread_start(void (*run)(void *), void *argument) {
    (void)run;
    (void)argument;
    return 0;
}
#else
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "../old_glibc.h"

SL_OLD_GLIBC(pthread_create);
SL_OLD_GLIBC(pthread_attr_setstacksize);

static inline long sl_process(void) { return (long)getpid(); }

typedef pthread_mutex_t sl_lock;
typedef pthread_cond_t sl_signal;
#define sl_lock_init(lock) pthread_mutex_init(lock, NULL)
#define sl_lock_free(lock) pthread_mutex_destroy(lock)
#define sl_lock_take(lock) pthread_mutex_lock(lock)
#define sl_lock_give(lock) pthread_mutex_unlock(lock)
#define sl_signal_init(signal) pthread_cond_init(signal, NULL)
#define sl_signal_free(signal) pthread_cond_destroy(signal)
#define sl_signal_all(signal) pthread_cond_broadcast(signal)
#define sl_signal_wait(signal, lock) pthread_cond_wait(signal, lock)

typedef struct sl_thread_work {
    void (*run)(void *);
    void *argument;
} sl_thread_work;

static inline void *sl_thread_main(void *argument) {
    sl_thread_work work = *(sl_thread_work *)argument;
    free(argument);
    work.run(work.argument);
    return NULL;
}

static inline int sl_thread_start(void (*run)(void *), void *argument) {
    enum { STACK = 1 << 20 }; /* some systems give a thread far less than a kernel may need */
    sl_thread_work *work = malloc(sizeof(*work));
    pthread_attr_t attributes;
    pthread_t thread;
    if (!work) return 0;
    *work = (sl_thread_work){run, argument};
    if (pthread_attr_init(&attributes) != 0) {
        free(work);
        return 0;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    int started = pthread_create(&thread, &attributes, sl_thread_main, work) == 0;
    pthread_attr_destroy(&attributes);
    if (!started) free(work);
    return started;
}
#endif

#endif
