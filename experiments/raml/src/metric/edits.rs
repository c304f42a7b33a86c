//! Edit distance (Wagner & Fischer 1974), and the error rate of tokens that it makes.

/// How many insertions, deletions and substitutions of tokens part two sequences.
#[must_use]
pub fn distance(a: &[u32], b: &[u32]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(distance(&[1, 2, 3], &[1, 3]), 1);
        assert_eq!(distance(&[], &[4, 4]), 2);
        assert_eq!(distance(&[1, 2, 3, 4], &[2, 3, 4, 1]), 2);
        assert_eq!(distance(&[5], &[5]), 0);
    }
}
