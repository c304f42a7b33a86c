//! The order in which people expect names: numbers within them count as numbers.

use std::cmp::Ordering;

/// Compares two names. Those that are numbers stand first, by value; in the others runs of digits
/// compare by value and everything else character by character. Only equal names are equal.
pub(crate) fn order(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    // No finite number begins otherwise, and most names do.
    let may_be_number = |first: &u8| matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.');
    let number = |text: &str| {
        text.as_bytes().first().filter(|first| may_be_number(first))?;
        text.parse::<f64>().ok().filter(|number| number.is_finite())
    };
    let by_value = match (number(a), number(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => by_parts(a, b),
    };
    by_value.then_with(|| a.cmp(b))
}

fn by_parts(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let (digits_a, digits_b) = (digits(a), digits(b));
        if digits_a > 0 && digits_b > 0 {
            let (x, y) = (&a[..digits_a], &b[..digits_b]);
            let (x, y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
            let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[digits_a..], &b[digits_b..]);
            continue;
        }
        let (mut rest_a, mut rest_b) = (a.chars(), b.chars());
        match (rest_a.next(), rest_b.next()) {
            (Some(x), Some(y)) if x == y => (a, b) = (rest_a.as_str(), rest_b.as_str()),
            (x, y) => return x.cmp(&y),
        }
    }
}

/// How many digits a name begins with.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(names: &[&str]) -> bool {
        names.windows(2).all(|two| order(two[0], two[1]).is_lt())
    }

    #[test]
    fn numbers_in_names_count_as_numbers() {
        assert!(sorted(&["layer1", "layer2", "layer10", "layer10b"]));
        assert!(sorted(&["-1", "0.05", "0.1", "2", "10", "1e3", "auto"]));
        assert!(sorted(&["v1.2", "v1.10", "v2"]));
        assert!(sorted(&["a", "a007", "a7", "ab", "b"]));
    }

    proptest! {
        #[test]
        fn it_is_a_total_order(names in proptest::collection::vec("[a0-9.é-]{0,5}", 3)) {
            let [a, b, c] = [&names[0], &names[1], &names[2]];
            prop_assert_eq!(order(a, b), order(b, a).reverse());
            prop_assert_eq!(order(a, b).is_eq(), a == b);
            if order(a, b).is_le() && order(b, c).is_le() {
                prop_assert!(order(a, c).is_le(), "{:?}", names);
            }
        }
    }
}
