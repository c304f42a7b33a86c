//! How a table is cut so that no line is longer than it may be.
//!
//! Spreads and counts go first, then marks; then each value of the outer heads has a block of its
//! own; then blocks have as many columns as fit; and where not even one column fits, each cell has a
//! line. Numbers stay whatever happens.

use unicode_width::UnicodeWidthStr;

use super::sheet::{Detail, Sheet, Shown};

/// Between two columns.
pub(super) const GAP: usize = 2;

/// A table with so much of each number, and how wide it is.
pub(super) struct Measured<'a> {
    pub(super) sheet: &'a Sheet,
    pub(super) detail: Detail,
    /// By row and column of the sheet: a line, and one below it that may be empty.
    pub(super) cells: Vec<Vec<[String; 2]>>,
    /// What stands beside the heads of each level; empty for a level without a name.
    pub(super) levels: Vec<String>,
    /// Of the columns that are shown.
    columns: Vec<usize>,
    widths: Vec<usize>,
    labels: Vec<usize>,
}

/// Columns that stand beside each other, under the heads from one level on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) columns: Vec<usize>,
    pub(super) level: usize,
}

/// Widths within a block.
pub(super) struct Geometry {
    pub(super) labels: Vec<usize>,
    /// From the first label column to the last.
    pub(super) labels_width: usize,
    pub(super) columns: Vec<usize>,
    pub(super) total: usize,
}

/// What is shown of a table, and in which blocks; without blocks each cell has a line.
pub(super) struct Arranged<'a> {
    pub(super) measured: Measured<'a>,
    pub(super) blocks: Option<Vec<Block>>,
}

/// Arranges a table so that no line is longer than `limit`.
pub(super) fn arrange<'a>(
    sheet: &'a Sheet,
    limit: usize,
    form: &dyn Fn(String) -> String,
) -> Arranged<'a> {
    let mut tried: Vec<Measured<'a>> = Vec::new();
    for detail in Detail::ALL {
        let measured = Measured::new(sheet, detail, form);
        let whole = measured.whole();
        if measured.geometry(&whole).total <= limit {
            return Arranged { measured, blocks: Some(vec![whole]) };
        }
        tried.push(measured);
    }
    let split = tried.last().and_then(|tightest| tightest.split(limit));
    let Some(split) = split else {
        return Arranged { measured: tried.swap_remove(0), blocks: None };
    };
    let fits = |measured: &Measured<'_>, blocks: &[Block]| {
        blocks.iter().all(|block| measured.geometry(block).total <= limit)
    };
    for folded in 1..sheet.levels.len() {
        for at in 0..tried.len() {
            let blocks = tried[at].folded(folded);
            // Many blocks of few columns are no help.
            if blocks.len() <= 2 * split.len() && fits(&tried[at], &blocks) {
                return Arranged { measured: tried.swap_remove(at), blocks: Some(blocks) };
            }
        }
    }
    // As much of each number as costs no further block.
    let as_few = |at: &usize| tried[*at].split(limit).filter(|blocks| blocks.len() <= split.len());
    let (at, blocks) = (0..tried.len())
        .find_map(|at| as_few(&at).map(|blocks| (at, blocks)))
        .unwrap_or((tried.len() - 1, split));
    Arranged { measured: tried.swap_remove(at), blocks: Some(blocks) }
}

impl<'a> Measured<'a> {
    fn new(sheet: &'a Sheet, detail: Detail, form: &dyn Fn(String) -> String) -> Self {
        let cell = |entry| {
            let shown = Shown::of(entry, detail);
            if detail.stacked {
                [form(shown.ours), form(shown.published)]
            } else {
                [form(shown.line()), String::new()]
            }
        };
        let cells: Vec<Vec<[String; 2]>> =
            sheet.rows.iter().map(|row| row.entries.iter().map(cell).collect()).collect();
        let optional = |column: &usize| detail.optional || !sheet.columns[*column].optional;
        let columns: Vec<usize> = (0..sheet.columns.len()).filter(optional).collect();
        let mut widths: Vec<usize> = sheet
            .columns
            .iter()
            .map(|column| column.heads.last().map_or(0, |head| head.width()))
            .collect();
        for row in &cells {
            for (width, lines) in widths.iter_mut().zip(row) {
                *width = lines.iter().map(|line| line.width()).fold(*width, usize::max);
            }
        }
        let mut labels: Vec<usize> = sheet.labels.iter().map(|name| name.width()).collect();
        for row in &sheet.rows {
            for (width, label) in labels.iter_mut().zip(&row.labels) {
                *width = label.width().max(*width);
            }
        }
        let arrow = |name: &String| match name.as_str() {
            "" => String::new(),
            name => form(format!("{name} →")),
        };
        let levels = sheet.levels.iter().map(arrow).collect();
        Self { sheet, detail, cells, levels, columns, widths, labels }
    }

    /// All columns beside each other.
    fn whole(&self) -> Block {
        Block { columns: self.columns.clone(), level: 0 }
    }

    /// A block for each value of the outermost heads.
    fn folded(&self, levels: usize) -> Vec<Block> {
        let outer = |column: &usize| &self.sheet.columns[*column].heads[..levels];
        let same = |a: &usize, b: &usize| outer(a) == outer(b);
        let blocks = self.columns.chunk_by(same);
        blocks.map(|columns| Block { columns: columns.to_vec(), level: levels }).collect()
    }

    /// Blocks of as many columns as fit; none where one does not.
    fn split(&self, limit: usize) -> Option<Vec<Block>> {
        let fits = |columns: &[usize]| {
            self.geometry(&Block { columns: columns.to_vec(), level: 0 }).total <= limit
        };
        let mut blocks = Vec::new();
        let mut rest = self.columns.as_slice();
        while !rest.is_empty() {
            let count = (1..=rest.len()).take_while(|count| fits(&rest[..*count])).last()?;
            let (columns, after) = rest.split_at(count);
            blocks.push(Block { columns: columns.to_vec(), level: 0 });
            rest = after;
        }
        Some(blocks)
    }

    /// The widths that a block has with its heads.
    pub(super) fn geometry(&self, block: &Block) -> Geometry {
        let joined =
            |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let mut columns: Vec<usize> =
            block.columns.iter().map(|column| self.widths[*column]).collect();
        let innermost = self.sheet.levels.len().saturating_sub(1);
        for level in (block.level..innermost).rev() {
            for (group, head) in self.groups(block, level) {
                let width = joined(&columns[group.clone()]);
                columns[group.end - 1] += head.width().saturating_sub(width);
            }
        }
        let room = self.levels.iter().enumerate().skip(block.level).map(|(level, name)| {
            // The name of the innermost level may reach into the room before its first head.
            let free = match block.columns.first() {
                Some(first) if level == innermost && !self.sheet.columns[*first].words => {
                    columns[0] - self.sheet.columns[*first].heads[level].width()
                }
                _ => 0,
            };
            name.width().saturating_sub(free)
        });
        let level = room.max().unwrap_or(0);
        let mut labels = self.labels.clone();
        if let Some(last) = labels.last_mut() {
            *last += level.saturating_sub(joined(&self.labels));
        }
        let labels_width = joined(&labels).max(level);
        let between = if labels_width > 0 && !columns.is_empty() { GAP } else { 0 };
        let total = labels_width + between + joined(&columns);
        Geometry { labels, labels_width, columns, total }
    }

    /// Neighbours in a block under the same heads down to a level, with the head there.
    pub(super) fn groups(
        &self,
        block: &Block,
        level: usize,
    ) -> Vec<(std::ops::Range<usize>, &'a str)> {
        let sheet = self.sheet;
        let heads = |column: usize| &sheet.columns[column].heads[block.level..=level];
        let mut groups: Vec<(std::ops::Range<usize>, &'a str)> = Vec::new();
        for (at, column) in block.columns.iter().enumerate() {
            match groups.last_mut() {
                Some((group, _)) if heads(block.columns[group.start]) == heads(*column) => {
                    group.end = at + 1;
                }
                _ => groups.push((at..at + 1, &sheet.columns[*column].heads[level])),
            }
        }
        groups
    }
}
