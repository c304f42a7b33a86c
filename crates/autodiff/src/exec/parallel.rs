//! Sharing of work between threads, split where the shapes say and never by the number of threads.

/// Runs both halves, on two threads if there are.
///
/// A pool of one thread is not worth handing work to.
pub(crate) fn both(left: impl FnOnce() + Send, right: impl FnOnce() + Send) {
    if rayon::current_num_threads() == 1 {
        left();
        right();
    } else {
        rayon::join(left, right);
    }
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
