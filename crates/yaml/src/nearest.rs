//! Suggestions for misspelt names.

/// The candidate nearest to `word`, as `; did you mean ...?`, or what there is.
pub fn hint<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    let mut candidates: Vec<&str> = candidates.collect();
    match nearest(word, candidates.iter().copied()) {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None if candidates.is_empty() => String::new(),
        None => {
            let rest = candidates.len().saturating_sub(MOST_NAMED);
            candidates.truncate(MOST_NAMED);
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("; wanted one of {}{more}", candidates.join(", "))
        }
    }
}

/// Names in a message at most.
const MOST_NAMED: usize = 40;

/// The candidate that `word` was meant to be: by a slip of the fingers, or cut short. Of a candidate
/// with dots, the end is looked at too.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let candidates: Vec<&str> = candidates.collect();
    let count = |text: &str| text.chars().count();
    let slip = |candidate: &&'a str| {
        let end = candidate.rsplit('.').next().filter(|_| !word.contains('.'));
        let far = |known: &str| {
            let far = strsim::damerau_levenshtein(word, known);
            (far <= 1 + count(known) / 4 && far < count(known)).then_some(far)
        };
        std::iter::once(*candidate).chain(end).filter_map(far).min()
    };
    let slips = candidates.iter().filter_map(|known| Some((slip(known)?, *known)));
    let nearest = slips.min_by_key(|(far, _)| *far).map(|(_, known)| known);
    let short = || candidates.iter().find(|known| count(word) >= 3 && known.starts_with(word));
    nearest.or_else(|| short().copied())
}
