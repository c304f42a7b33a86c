//! How a value's elements lie in its storage.

/// Shape, strides and offset of a value, all counted in elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Extent of each axis.
    pub shape: Vec<usize>,
    /// Distance between neighbours along each axis; 0 where an axis is broadcast.
    pub strides: Vec<usize>,
    /// Position of the first element.
    pub offset: usize,
}

impl Layout {
    /// Row-major without gaps, from position 0.
    #[must_use]
    pub fn contiguous(shape: &[usize]) -> Layout {
        Layout { shape: shape.to_vec(), strides: row_major(shape), offset: 0 }
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the elements lie row-major without gaps (axes of extent 1 do not count).
    #[must_use]
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        for (&extent, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if extent != 1 && stride != expected {
                return self.is_empty();
            }
            expected *= extent;
        }
        true
    }

    /// Elements from the first to one past the last.
    #[must_use]
    pub fn span(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        1 + self.shape.iter().zip(&self.strides).map(|(n, s)| (n - 1) * s).sum::<usize>()
    }
}

fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contiguity_ignores_axes_of_one() {
        let mut layout = Layout::contiguous(&[2, 1, 3]);
        layout.strides[1] = 99;
        assert!(layout.is_contiguous());
        assert_eq!(layout.span(), 6);
    }

    #[test]
    fn a_column_of_a_matrix_is_strided() {
        let layout = Layout { shape: vec![3], strides: vec![4], offset: 1 };
        assert!(!layout.is_contiguous());
        assert_eq!(layout.span(), 9);
    }
}
