//! The pool of memory, under any sequence of requests.

use cuda::driver::{Address, Fault};
use cuda::pool::{ALIGNMENT, Pool, class};
use proptest::prelude::*;

use crate::support::recording::{Call, Failing, Recording};

/// A request, or which of those that were served is given back.
#[derive(Debug, Clone)]
enum Request {
    Take(usize),
    Give(usize),
    /// The next allocation fails once.
    Fail,
}

fn requests() -> impl Strategy<Value = Vec<Request>> {
    let request = prop_oneof![
        4 => (0usize..1 << 16).prop_map(Request::Take),
        3 => any::<usize>().prop_map(Request::Give),
        1 => Just(Request::Fail),
    ];
    prop::collection::vec(request, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn classes_hold_what_is_asked_for_and_little_more(bytes in 0usize..1 << 40) {
        let size = class(bytes);
        prop_assert!(size >= bytes && size.is_multiple_of(ALIGNMENT));
        prop_assert!(size <= bytes + bytes / 4 + ALIGNMENT);
        prop_assert_eq!(class(size), size);
    }

    #[test]
    fn what_is_given_out_is_disjoint_and_accounted_for(requests in requests()) {
        const LIMIT: usize = 1 << 18;
        let driver = Recording::default();
        let mut pool = Pool::new(LIMIT);
        let mut given: Vec<(Address, usize)> = Vec::new();
        let (mut most, mut armed) = (0, false);
        for request in requests {
            match request {
                Request::Take(bytes) => match pool.take(bytes, &driver) {
                    Ok(at) => {
                        let end = at.0 + class(bytes) as u64;
                        for (other, len) in &given {
                            prop_assert!(end <= other.0 || other.0 + *len as u64 <= at.0);
                        }
                        given.push((at, bytes));
                    }
                    Err(fault) => {
                        prop_assert_eq!(fault, Fault::Memory { bytes });
                        let over = pool.used() + class(bytes) > LIMIT;
                        prop_assert!(over || (armed && driver.failed()));
                        armed &= over;
                    }
                },
                Request::Give(which) if !given.is_empty() => {
                    let (at, bytes) = given.swap_remove(which % given.len());
                    pool.give(at, bytes);
                }
                Request::Give(_) => {}
                Request::Fail => {
                    // Only where something is kept that can be given back first.
                    if pool.reserved() > pool.used() {
                        driver.fail(Failing::Allocation, 0);
                        armed = true;
                    }
                }
            }
            let used: usize = given.iter().map(|(_, bytes)| class(*bytes)).sum();
            most = most.max(used);
            prop_assert_eq!((pool.used(), pool.most()), (used, most));
            prop_assert_eq!(pool.reserved(), driver.live());
            prop_assert!(driver.live() <= LIMIT);
        }
        for (at, bytes) in given.drain(..) {
            pool.give(at, bytes);
        }
        pool.release(&driver);
        prop_assert_eq!((pool.reserved(), driver.live()), (0, 0));
    }
}

#[test]
fn a_length_that_was_given_back_costs_no_allocation() {
    let driver = Recording::default();
    let mut pool = Pool::new(usize::MAX);
    let first = pool.take(1000, &driver).unwrap();
    pool.give(first, 1000);
    assert_eq!(pool.take(900, &driver).unwrap(), first);
    assert_eq!(driver.calls(), [Call::Allocate(class(1000))]);
}
