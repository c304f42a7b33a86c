//! The operands of a product: matrices inside slices.

use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

use crate::{Float, Layout};

/// A matrix inside a slice: element (i, j) is `data[i * strides.0 + j * strides.1]`.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, T> {
    /// The elements, from the first one on.
    pub data: &'a [T],
    /// Number of rows and of columns.
    pub shape: (usize, usize),
    /// From one row to the next, and from one column to the next.
    pub strides: (usize, usize),
}

impl<'a, T: Float> Matrix<'a, T> {
    /// `rows` rows of `columns` elements, one after the other.
    #[must_use]
    pub fn rows(data: &'a [T], rows: usize, columns: usize) -> Matrix<'a, T> {
        Matrix { data, shape: (rows, columns), strides: (columns, 1) }
    }

    /// Rows and columns exchanged.
    #[inline(always)]
    #[must_use]
    pub fn transposed(self) -> Matrix<'a, T> {
        let ((rows, columns), (row, column)) = (self.shape, self.strides);
        Matrix { data: self.data, shape: (columns, rows), strides: (column, row) }
    }

    /// `shape` rows and columns from an element on.
    #[inline]
    #[must_use]
    pub fn block(self, (row, column): (usize, usize), shape: (usize, usize)) -> Matrix<'a, T> {
        let start = (row * self.strides.0 + column * self.strides.1).min(self.data.len());
        Matrix { data: &self.data[start..], shape, ..self }
    }

    /// Elements from the first to one past the last.
    #[must_use]
    pub fn span(&self) -> usize {
        let ((rows, columns), (row, column)) = (self.shape, self.strides);
        if rows == 0 || columns == 0 { 0 } else { 1 + (rows - 1) * row + (columns - 1) * column }
    }

    /// How it lies in memory.
    #[must_use]
    pub fn order(&self) -> Order {
        let ((rows, columns), (row, column)) = (self.shape, self.strides);
        if (columns == 1 || column == 1) && (rows == 1 || row >= columns) {
            Order::Rows
        } else if (rows == 1 || row == 1) && (columns == 1 || column >= rows) {
            Order::Columns
        } else {
            Order::Neither
        }
    }

    /// The same as ndarray has it.
    pub(crate) fn view(self) -> ArrayView2<'a, T> {
        // Without elements strides mean nothing.
        let strides = if self.span() == 0 { (0, 0) } else { self.strides };
        match ArrayView2::from_shape(self.shape.strides(strides), self.data) {
            Ok(view) => view,
            Err(error) => panic!("matrix {:?} by {:?}: {error}", self.shape, self.strides),
        }
    }
}

/// The elements of `rows` by `columns`, to be changed.
pub(crate) fn matrix_mut<T>(data: &mut [T], rows: usize, columns: usize) -> ArrayViewMut2<'_, T> {
    match ArrayViewMut2::from_shape((rows, columns), data) {
        Ok(matrix) => matrix,
        Err(error) => panic!("{rows} rows of {columns}: {error}"),
    }
}

/// What lies without gaps in a matrix, none of it repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The elements of a row, or else of a column.
    Rows,
    /// The elements of a column.
    Columns,
    /// Neither.
    Neither,
}

/// The matrices `[.., rows, columns]` of a layout.
#[derive(Debug, Clone, Copy)]
pub struct Matrices<'a, T> {
    /// The elements, from the layout's first one on.
    pub data: &'a [T],
    /// Two axes or more.
    pub layout: &'a Layout,
}

impl<'a, T: Float> Matrices<'a, T> {
    /// One of them, counted row-major over the leading axes.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, mut index: usize) -> Matrix<'a, T> {
        let Layout { shape, strides, .. } = self.layout;
        let (r, mut offset) = (shape.len(), 0);
        for axis in (1..r - 2).rev() {
            offset += index % shape[axis] * strides[axis];
            index /= shape[axis];
        }
        if r > 2 {
            offset += index * strides[0];
        }
        Matrix {
            data: &self.data[offset..],
            shape: (shape[r - 2], shape[r - 1]),
            strides: (strides[r - 2], strides[r - 1]),
        }
    }
}

/// What a product is added to once its sums are complete: rows as wide as the result.
#[derive(Debug, Clone, Copy)]
pub struct Addend<'a, T> {
    /// The elements, from the first one on.
    pub data: &'a [T],
    /// From a row to the next: 0 for one row that serves for all.
    pub stride: usize,
}

impl<'a, T: Float> Addend<'a, T> {
    /// From an element on.
    #[inline(always)]
    pub(super) fn from(self, row: usize, column: usize) -> Addend<'a, T> {
        Addend { data: &self.data[row * self.stride + column..], ..self }
    }
}
