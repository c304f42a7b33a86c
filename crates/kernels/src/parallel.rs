//! Sharing of work between threads. Where a bit could depend on a split, the shapes decide it and never
//! the number of threads.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Where kernels of the calling thread share their work.
#[derive(Clone, Default)]
enum Pool {
    /// Rayon's own pool, of all processors unless something else was asked of it.
    #[default]
    Shared,
    /// Nowhere.
    Alone,
    /// A pool of this thread's own.
    Own(Rc<ThreadPool>),
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::Shared) };
    /// How often this thread has handed work to a pool and waited for it.
    static HANDED_OVER: Cell<usize> = const { Cell::new(0) };
}

/// Kernels that the calling thread starts use at most so many threads from now on; 0 counts as 1.
///
/// Without this they share rayon's global pool. The number changes no bit of a result.
///
/// # Panics
/// If the system grants no more threads.
pub fn set_threads(threads: usize) {
    let pool = match threads {
        0 | 1 => Pool::Alone,
        _ if self::threads() == threads => return,
        _ => match ThreadPoolBuilder::new().num_threads(threads).build() {
            Ok(pool) => Pool::Own(Rc::new(pool)),
            Err(error) => panic!("{threads} threads: {error}"),
        },
    };
    POOL.set(pool);
}

/// Threads that work of the calling thread is shared between.
pub fn threads() -> usize {
    if rayon::current_thread_index().is_some() {
        return rayon::current_num_threads();
    }
    POOL.with_borrow(|pool| match pool {
        Pool::Shared => rayon::current_num_threads(),
        Pool::Alone => 1,
        Pool::Own(pool) => pool.current_num_threads(),
    })
}

/// Runs both halves, on two threads if there are.
///
/// A pool of one thread is not worth handing work to.
pub fn both(left: impl FnOnce() + Send, right: impl FnOnce() + Send) {
    if threads() == 1 {
        left();
        return right();
    }
    inside(|| rayon::join(left, right));
}

/// Runs work on a thread of the pool, from where sharing costs least.
pub fn inside<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    if threads() == 1 || rayon::current_thread_index().is_some() {
        return work();
    }
    HANDED_OVER.set(HANDED_OVER.get() + 1);
    match POOL.with_borrow(Pool::clone) {
        Pool::Own(pool) => pool.install(work),
        _ => rayon::scope(|_| work()),
    }
}

/// Runs work; says also whether it would run better inside a pool, which it entered more than once.
pub fn outside<R>(work: impl FnOnce() -> R) -> (R, bool) {
    let before = HANDED_OVER.get();
    let result = work();
    (result, HANDED_OVER.get() - before > 1)
}

/// Calls `work(first, rows)` for pieces of `y` of `per` rows of `width` elements each.
pub fn rows<T: Send>(
    y: &mut [T],
    width: usize,
    per: usize,
    first: usize,
    work: &(impl Fn(usize, &mut [T]) + Sync),
) {
    let count = y.len() / width.max(1);
    if count <= per {
        return work(first, y);
    }
    let middle = count.div_ceil(per) / 2 * per;
    let (left, right) = y.split_at_mut(middle * width);
    both(|| rows(left, width, per, first, work), || rows(right, width, per, first + middle, work));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_enters_a_pool_often_is_told_from_other_work() {
        let enter = |times: usize| (0..times).for_each(|_| both(|| (), || ()));
        let own = std::thread::spawn(move || {
            set_threads(2);
            let shared = [1, 2].map(|times| outside(|| enter(times)).1);
            let within = outside(|| inside(|| enter(2))).1;
            let on_a_worker = inside(|| rayon::current_thread_index().is_some());
            set_threads(1);
            (shared, within, on_a_worker, outside(|| enter(2)).1)
        });
        assert_eq!(own.join().unwrap(), ([false, true], false, true, false));
    }

    #[test]
    fn a_thread_has_as_many_as_were_set_for_it() {
        let seen = || {
            let (mut left, mut right) = (0, 0);
            both(|| left = threads(), || right = threads());
            [threads(), left, right]
        };
        // A thread of its own, so that no other test is told.
        let own = std::thread::spawn(move || {
            [1, 3, 0, 2].map(|count| {
                set_threads(count);
                seen()
            })
        });
        assert_eq!(own.join().unwrap(), [[1; 3], [3; 3], [1; 3], [2; 3]]);
    }
}
