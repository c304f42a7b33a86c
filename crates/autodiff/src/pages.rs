//! Memory of large values in large pages, where the system has them.
#![expect(unsafe_code, reason = "the system takes advice on memory through a C function")]

/// Bytes from which a value is worth large pages: one of them, on common processors.
const LARGE: usize = 1 << 21;

/// `len` copies of `value`.
pub(crate) fn filled<T: Clone>(value: T, len: usize) -> Vec<T> {
    let mut values = reserved(len);
    values.resize(len, value);
    values
}

/// A copy of `values`.
pub(crate) fn copied<T: Copy>(values: &[T]) -> Vec<T> {
    let mut copy = reserved(values.len());
    copy.extend_from_slice(values);
    copy
}

/// Room for `len` values, not touched yet.
fn reserved<T>(len: usize) -> Vec<T> {
    let values: Vec<T> = Vec::with_capacity(len);
    advise(values.as_ptr().cast(), len * size_of::<T>());
    values
}

/// Asks for large pages: walks over matrices then miss fewer addresses. Refusal costs nothing.
#[cfg(target_os = "linux")]
fn advise(start: *const u8, bytes: usize) {
    use std::ffi::{c_int, c_void};

    unsafe extern "C" {
        fn madvise(start: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    }

    const HUGE: c_int = 14;
    const PAGE: usize = 1 << 16;
    if bytes < LARGE {
        return;
    }
    // Whole pages of any size in use, inside the value.
    let (first, last) = (start.addr().next_multiple_of(PAGE), (start.addr() + bytes) / PAGE * PAGE);
    if first < last {
        let inside = start.with_addr(first).cast_mut().cast();
        // SAFETY: the range belongs to the caller's allocation, and this advice leaves its content.
        unsafe { madvise(inside, last - first, HUGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise(_: *const u8, _: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_asked_for() {
        for len in [0, 3, LARGE / 4 - 1, LARGE] {
            let values = filled(1.5f32, len);
            assert!(values.len() == len && values.iter().all(|&value| value == 1.5));
            let places: Vec<u32> = (0..len as u32).collect();
            assert_eq!(copied(&places), places);
        }
    }
}
