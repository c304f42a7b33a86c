//! Rows of tables and elements of rows, by index.

use autodiff::{Error, Op, ops};

use super::super::value::{Numbers, Value};
use super::row;

/// Bags of indices, and the rows of a table they name.
struct Bags<'a> {
    op: &'static str,
    indices: &'a [u32],
    /// Indices a bag.
    length: usize,
    padding: Option<u32>,
    /// Rows of the table.
    rows: usize,
    width: usize,
}

impl Bags<'_> {
    /// Calls `each` with bag and row for every index that names a row.
    fn each(&self, mut each: impl FnMut(usize, usize)) -> Result<(), Error> {
        for (at, &index) in self.indices.iter().enumerate() {
            if Some(index) == self.padding {
                continue;
            }
            if let Some(row) = row(self.op, index, self.rows)? {
                each(at / self.length, row);
            }
        }
        Ok(())
    }

    /// The sum of the rows of each bag.
    fn gathered(&self, table: &[f64], len: usize) -> Result<Numbers, Error> {
        let mut y = vec![0.0; len];
        self.each(|bag, row| {
            for i in 0..self.width {
                y[bag * self.width + i] += table[row * self.width + i];
            }
        })?;
        Ok(Numbers::Floats(y))
    }

    /// A table to whose rows those of their bags are added.
    fn scattered(&self, rows: &[f64], len: usize) -> Result<Numbers, Error> {
        let mut y = vec![0.0; len];
        self.each(|bag, row| {
            for i in 0..self.width {
                y[row * self.width + i] += rows[bag * self.width + i];
            }
        })?;
        Ok(Numbers::Floats(y))
    }
}

fn width(shape: &[usize]) -> usize {
    shape[1..].iter().product()
}

pub(super) fn gather(op: &ops::Gather, x: &[Value], shape: &[usize]) -> Result<Numbers, Error> {
    let (op, indices, rows) = (op.name(), x[1].indices(), x[0].shape[0]);
    let bags = Bags { op, indices, length: 1, padding: None, rows, width: width(&x[0].shape) };
    bags.gathered(x[0].floats(), shape.iter().product())
}

pub(super) fn embedding_bag(
    op: &ops::EmbeddingBag,
    x: &[Value],
    shape: &[usize],
) -> Result<Numbers, Error> {
    let bags = Bags {
        op: op.name(),
        indices: x[1].indices(),
        length: x[1].last(),
        padding: op.padding,
        rows: x[0].shape[0],
        width: width(&x[0].shape),
    };
    bags.gathered(x[0].floats(), shape.iter().product())
}

pub(super) fn scatter_add(
    op: &ops::ScatterAdd,
    x: &[Value],
    shape: &[usize],
) -> Result<Numbers, Error> {
    let bags = Bags {
        op: op.name(),
        indices: x[1].indices(),
        length: if op.bag { x[1].last() } else { 1 },
        padding: op.padding,
        rows: op.table_rows,
        width: width(shape),
    };
    bags.scattered(x[0].floats(), shape.iter().product())
}

pub(super) fn unique_rows(
    op: &ops::UniqueRows,
    x: &[Value],
    shape: &[usize],
) -> Result<Numbers, Error> {
    let mut distinct = std::collections::BTreeSet::new();
    for (part, padding) in x.iter().zip(&op.padding) {
        for &index in part.indices() {
            let row = row(op.name(), index, op.rows)?;
            if row.is_some() && Some(index) != *padding {
                distinct.insert(index);
            }
        }
    }
    let mut y: Vec<u32> = distinct.into_iter().collect();
    y.resize(shape[0], u32::MAX);
    Ok(Numbers::Indices(y))
}

/// Where an index stands among distinct ones.
fn place(unique: &[u32], index: u32) -> Option<usize> {
    unique.iter().position(|&other| other == index).filter(|_| index != u32::MAX)
}

pub(super) fn row_sum(op: &ops::RowSum, x: &[Value], shape: &[usize]) -> Result<Numbers, Error> {
    let (unique, width) = (x[0].indices(), op.row.iter().product::<usize>());
    let mut y = vec![0.0; shape.iter().product()];
    for (&(bag, padding), pair) in op.parts.iter().zip(x[1..].chunks(2)) {
        let length = if bag { pair[1].last() } else { 1 };
        for (at, &index) in pair[1].indices().iter().enumerate() {
            let Some(to) = place(unique, index).filter(|_| Some(index) != padding) else {
                continue;
            };
            for i in 0..width {
                y[to * width + i] += pair[0].floats()[at / length * width + i];
            }
        }
    }
    Ok(Numbers::Floats(y))
}

pub(super) fn position(op: &ops::Position, x: &[Value], _: &[usize]) -> Result<Numbers, Error> {
    let at = |&index: &u32| {
        let place = place(x[0].indices(), index).filter(|_| Some(index) != op.padding);
        place.map_or(u32::MAX, |place| place as u32)
    };
    Ok(Numbers::Indices(x[1].indices().iter().map(at).collect()))
}

pub(super) fn take(op: &ops::Take, x: &[Value], _: &[usize]) -> Result<Numbers, Error> {
    let (width, count) = (x[0].last(), x[1].last());
    let value = |(at, &index): (usize, &u32)| {
        let place = row(op.name(), index, width)?;
        Ok(place.map_or(0.0, |place| x[0].floats()[at / count * width + place]))
    };
    let values = x[1].indices().iter().enumerate().map(value).collect::<Result<_, Error>>()?;
    Ok(Numbers::Floats(values))
}

pub(super) fn put(op: &ops::Put, x: &[Value], shape: &[usize]) -> Result<Numbers, Error> {
    let count = x[1].last();
    let mut y = vec![0.0; shape.iter().product()];
    for (at, (&value, &index)) in x[0].floats().iter().zip(x[1].indices()).enumerate() {
        if let Some(place) = row(op.name(), index, op.width)? {
            y[at / count * op.width + place] += value;
        }
    }
    Ok(Numbers::Floats(y))
}

/// A NaN comes before every number, and of equal elements the first.
pub(super) fn top_k(op: &ops::TopK, x: &[Value], _: &[usize]) -> Result<Numbers, Error> {
    let mut y = Vec::new();
    for x in x[0].floats().chunks(x[0].last().max(1)) {
        let mut places: Vec<usize> = (0..x.len()).collect();
        places.sort_by(|&a, &b| {
            let nan = x[b].is_nan().cmp(&x[a].is_nan());
            nan.then(x[b].partial_cmp(&x[a]).unwrap_or(std::cmp::Ordering::Equal))
        });
        y.extend(places.into_iter().take(op.count).map(|place| place as u32));
    }
    Ok(Numbers::Indices(y))
}
