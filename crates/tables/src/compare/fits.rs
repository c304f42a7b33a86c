//! Tables of any kind at any width.

use proptest::{collection::vec, prelude::*};
use unicode_width::UnicodeWidthStr;

use super::{
    Standing, Terminal,
    sheet::{Column, Note, Number, Row, Sheet, When},
    terminal::text,
};

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z_]{1,9}",
        2 => "[a-z]{1,6}( [a-z]{1,6}){0,9}",
        1 => "[a-z.=-]{40,60}",
        1 => "(学习|é|模型){1,12}",
    ]
}

fn sheet() -> impl Strategy<Value = Sheet> {
    let sizes = (0_usize..4, 0_usize..4, 1_usize..20, 1_usize..6, 1_usize..4);
    sizes.prop_flat_map(|(labels, levels, columns, rows, inner)| {
        let names = (vec(name(), labels), vec(name(), levels), vec(vec(name(), 3), columns));
        let parts = (vec(vec(name(), labels), rows), any::<[bool; 5]>(), vec(name(), 0..4));
        (names, parts).prop_map(move |((labels, levels, heads), (rows, with, sentences))| {
            let [unnamed, spread, published, marks, optional] = with;
            let mut levels = levels;
            if unnamed || levels.is_empty() {
                levels.push(String::new());
            }
            let depth = levels.len();
            // Outer heads repeat, as those of a grid do.
            let head =
                |at: usize, level: usize| heads[at >> (depth - 1 - level)][level % 3].clone();
            let column = |at: usize| Column {
                heads: (0..depth).map(|level| head(at, level)).collect(),
                optional: optional && at % 2 == 1,
                words: at % 5 == 4,
            };
            let number = |place: usize| Number {
                // Every number is another one, so that each can be looked for.
                text: format!("{}.{:03}", place % 7 + 1, place),
                spread: if spread { "0.1".into() } else { String::new() },
                standing: marks
                    .then_some([Standing::Best, Standing::Tied, Standing::Worse][place % 3]),
                published: if published && !place.is_multiple_of(4) {
                    "99".into()
                } else {
                    String::new()
                },
                differs: place.is_multiple_of(5),
            };
            let entry = |row: usize, column: usize| {
                (0..inner).map(|at| number((row * heads.len() + column) * inner + at)).collect()
            };
            let row = |(at, labels): (usize, Vec<String>)| Row {
                labels,
                entries: (0..heads.len()).map(|column| entry(at, column)).collect(),
            };
            Sheet {
                title: sentences.first().cloned(),
                subject: "experiment, metric".into(),
                numbers: "mean",
                reading: None,
                columns: (0..heads.len()).map(column).collect(),
                rows: rows.into_iter().enumerate().map(row).collect(),
                notes: sentences.iter().map(|text| Note::new(When::Always, text)).collect(),
                labels,
                levels,
            }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_line_is_longer_than_the_terminal_and_no_number_is_lost(
        sheet in sheet(),
        width in 20_usize..=300,
        ascii in any::<bool>(),
    ) {
        let shown = text(&sheet, Terminal { width: Some(width), ascii });
        for line in shown.lines() {
            prop_assert!(line.width() <= width, "{} over {width}:\n{shown}", line.width());
        }
        let all_columns = text(&sheet, Terminal::default());
        for row in &sheet.rows {
            for (column, entry) in sheet.columns.iter().zip(&row.entries) {
                for number in entry {
                    prop_assert!(all_columns.contains(&number.text));
                    let kept = !column.optional;
                    prop_assert!(!kept || shown.contains(&number.text), "{}:\n{shown}", number.text);
                }
            }
        }
    }
}
