//! Sharing of work between threads, split where the shapes say and never by the number of threads.

use std::cell::RefCell;
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
pub(crate) fn threads() -> usize {
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
pub(crate) fn both(left: impl FnOnce() + Send, right: impl FnOnce() + Send) {
    if threads() == 1 {
        left();
        return right();
    }
    let pool = match rayon::current_thread_index() {
        Some(_) => Pool::Shared,
        None => POOL.with_borrow(Pool::clone),
    };
    match pool {
        Pool::Own(pool) => pool.install(|| rayon::join(left, right)),
        _ => rayon::join(left, right),
    };
}

/// Calls `work(first, rows)` for pieces of `y` of `per` rows of `width` elements each.
pub(crate) fn rows<T: Send>(
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
