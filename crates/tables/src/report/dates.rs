//! When runs were made.

use chrono::{DateTime, Datelike, NaiveDate};

use crate::{Cell, Error, Runs, columns::STARTED_AT};

/// The days of the first and the last start of a run: `3 May 2026`, `3 to 5 May 2026` or, across
/// months, `30 April 2026 to 2 May 2026`. In UTC, so that the page of the same runs is the same
/// everywhere.
pub(crate) fn dates<'a>(tables: impl Iterator<Item = &'a Runs>) -> Result<Option<String>, Error> {
    let mut days = Vec::new();
    for runs in tables {
        let starts = runs.cells(STARTED_AT)?;
        let ends = starts.iter().filter_map(Cell::number).filter(|start| start.is_finite());
        days.extend(ends.clone().min_by(f64::total_cmp).and_then(day));
        days.extend(ends.max_by(f64::total_cmp).and_then(day));
    }
    let (first, last) = (days.iter().min(), days.iter().max());
    Ok(first.zip(last).map(|(first, last)| between(*first, *last)))
}

fn day(seconds: f64) -> Option<NaiveDate> {
    DateTime::from_timestamp(seconds as i64, 0).map(|time| time.date_naive())
}

fn between(first: NaiveDate, last: NaiveDate) -> String {
    let whole = |day: NaiveDate| day.format("%-d %B %Y").to_string();
    if first == last {
        whole(first)
    } else if (first.year(), first.month()) == (last.year(), last.month()) {
        format!("{} to {}", first.day(), whole(last))
    } else {
        format!("{} to {}", whole(first), whole(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_shortly() {
        let [a, b, c] =
            [1_777_593_600.0, 1_777_680_000.0, 1_780_272_000.0].map(|s| day(s).unwrap());
        assert_eq!(between(a, a), "1 May 2026");
        assert_eq!(between(a, b), "1 to 2 May 2026");
        assert_eq!(between(b, c), "2 May 2026 to 1 June 2026");
        assert_eq!(day(1e300), None);
    }
}
