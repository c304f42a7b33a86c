//! JSON objects as typed columns: one pass finds a type for every column, another fills them.
//!
//! Nested objects become dotted paths. Whole numbers and floats in one column make it a float
//! column, any other mixture a text column, so the type depends on the values alone and not on the
//! order they come in. Infinities and NaN are floats. Lists are lists of one scalar type; what is nested deeper is JSON text.

use std::{borrow::Cow, collections::BTreeMap};

use experiment::canonical_json;
use experiment::free_form::{as_number, non_finite};
use polars::prelude::*;
use serde_json::Value;

/// Type of a value that is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scalar {
    /// Only nulls so far.
    Unknown,
    Bool,
    Int,
    Float,
    Text,
}

impl Scalar {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Unknown,
            Value::Bool(_) => Self::Bool,
            Value::Number(n) if n.is_i64() => Self::Int,
            Value::Number(n) if n.is_f64() => Self::Float,
            Value::Object(_) if non_finite(value).is_some() => Self::Float,
            // Whole numbers above i64::MAX keep all their digits as text.
            Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => Self::Text,
        }
    }

    fn join(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Unknown, known) | (known, Self::Unknown) => known,
            (Self::Int, Self::Float) | (Self::Float, Self::Int) => Self::Float,
            _ => Self::Text,
        }
    }
}

/// Type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    One(Scalar),
    Many(Scalar),
}

impl Kind {
    fn of(value: &Value) -> Self {
        match value {
            Value::Array(items) => {
                Self::Many(items.iter().map(Scalar::of).fold(Scalar::Unknown, Scalar::join))
            }
            scalar => Self::One(Scalar::of(scalar)),
        }
    }

    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::One(Scalar::Unknown), kind) | (kind, Self::One(Scalar::Unknown)) => kind,
            (Self::One(a), Self::One(b)) => Self::One(a.join(b)),
            (Self::Many(a), Self::Many(b)) => Self::Many(a.join(b)),
            _ => Self::One(Scalar::Text),
        }
    }
}

/// Calls `visit` with the dotted path of every value in `value` that is no object or an empty one.
fn leaves<'a>(value: &'a Value, path: &mut String, visit: &mut impl FnMut(&str, &'a Value)) {
    match value {
        Value::Object(fields) if !fields.is_empty() && non_finite(value).is_none() => {
            for (key, field) in fields {
                let end = path.len();
                if end > 0 {
                    path.push('.');
                }
                path.push_str(key);
                leaves(field, path, visit);
                path.truncate(end);
            }
        }
        // A row without fields has no columns.
        leaf => {
            if !path.is_empty() {
                visit(path, leaf);
            }
        }
    }
}

/// The type of every column, from all rows.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    columns: BTreeMap<String, Kind>,
    path: String,
}

impl Kinds {
    /// Widens the types so that `row` fits.
    pub(crate) fn observe(&mut self, row: &Value) {
        let columns = &mut self.columns;
        leaves(row, &mut self.path, &mut |path, value| {
            let kind = Kind::of(value);
            match columns.get_mut(path) {
                Some(known) => *known = known.join(kind),
                None => {
                    columns.insert(path.to_owned(), kind);
                }
            }
        });
    }

    /// Whether a column of this path exists.
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.columns.contains_key(path)
    }

    /// Empty columns of these types, sorted by path.
    pub(crate) fn builders(&self) -> Builders {
        let columns =
            self.columns.iter().map(|(path, kind)| (path.clone(), Filling::new(*kind))).collect();
        Builders { columns, height: 0, path: String::new() }
    }
}

/// Columns while they are filled row by row.
pub(crate) struct Builders {
    columns: BTreeMap<String, Filling>,
    height: usize,
    path: String,
}

impl Builders {
    /// Appends a row that was observed before; what it lacks is null.
    pub(crate) fn push(&mut self, row: &Value) {
        let (columns, height) = (&mut self.columns, self.height);
        leaves(row, &mut self.path, &mut |path, value| {
            // `{"a.b": 1, "a": {"b": 2}}` has one path twice: the first value stands.
            if let Some(column) = columns.get_mut(path).filter(|column| column.len == height) {
                column.push(value);
            }
        });
        self.height += 1;
        for column in columns.values_mut().filter(|column| column.len < self.height) {
            column.push(&Value::Null);
        }
    }

    /// The columns so far, each name given by `name`.
    pub(crate) fn finish(self, name: impl Fn(&str) -> String) -> Vec<Column> {
        let rename = |(path, filling): (String, Filling)| {
            filling.finish().with_name(name(&path).into()).into_column()
        };
        self.columns.into_iter().map(rename).collect()
    }
}

enum Builder {
    Bool(BooleanChunkedBuilder),
    Int(PrimitiveChunkedBuilder<Int64Type>),
    Float(PrimitiveChunkedBuilder<Float64Type>),
    Text(StringChunkedBuilder),
    Bools(ListBooleanChunkedBuilder),
    Ints(ListPrimitiveChunkedBuilder<Int64Type>),
    Floats(ListPrimitiveChunkedBuilder<Float64Type>),
    Texts(ListStringChunkedBuilder),
}

struct Filling {
    builder: Builder,
    len: usize,
}

impl Filling {
    fn new(kind: Kind) -> Self {
        let name = PlSmallStr::EMPTY;
        let builder = match kind {
            Kind::One(Scalar::Bool) => Builder::Bool(BooleanChunkedBuilder::new(name, 0)),
            Kind::One(Scalar::Int) => Builder::Int(PrimitiveChunkedBuilder::new(name, 0)),
            Kind::One(Scalar::Float) => Builder::Float(PrimitiveChunkedBuilder::new(name, 0)),
            Kind::One(Scalar::Text | Scalar::Unknown) => {
                Builder::Text(StringChunkedBuilder::new(name, 0))
            }
            Kind::Many(Scalar::Bool) => Builder::Bools(ListBooleanChunkedBuilder::new(name, 0, 0)),
            Kind::Many(Scalar::Int) => {
                Builder::Ints(ListPrimitiveChunkedBuilder::new(name, 0, 0, DataType::Int64))
            }
            Kind::Many(Scalar::Float) => {
                Builder::Floats(ListPrimitiveChunkedBuilder::new(name, 0, 0, DataType::Float64))
            }
            Kind::Many(Scalar::Text | Scalar::Unknown) => {
                Builder::Texts(ListStringChunkedBuilder::new(name, 0, 0))
            }
        };
        Self { builder, len: 0 }
    }

    fn push(&mut self, value: &Value) {
        self.len += 1;
        match &mut self.builder {
            Builder::Bool(column) => column.append_option(value.as_bool()),
            Builder::Int(column) => column.append_option(value.as_i64()),
            Builder::Float(column) => column.append_option(as_number(value)),
            Builder::Text(column) => column.append_option(text(value)),
            lists => push_list(lists, value.as_array().map(Vec::as_slice)),
        }
    }

    fn finish(self) -> Series {
        match self.builder {
            Builder::Bool(column) => column.finish().into_series(),
            Builder::Int(column) => column.finish().into_series(),
            Builder::Float(column) => column.finish().into_series(),
            Builder::Text(column) => column.finish().into_series(),
            Builder::Bools(mut column) => column.finish().into_series(),
            Builder::Ints(mut column) => column.finish().into_series(),
            Builder::Floats(mut column) => column.finish().into_series(),
            Builder::Texts(mut column) => column.finish().into_series(),
        }
    }
}

fn push_list(builder: &mut Builder, items: Option<&[Value]>) {
    match (builder, items) {
        (Builder::Bools(column), Some(items)) => {
            column.append_iter(items.iter().map(Value::as_bool));
        }
        (Builder::Ints(column), Some(items)) => column.append_iter(items.iter().map(Value::as_i64)),
        (Builder::Floats(column), Some(items)) => {
            column.append_iter(items.iter().map(as_number));
        }
        (Builder::Texts(column), Some(items)) => {
            let texts: Vec<Option<Cow<'_, str>>> = items.iter().map(text).collect();
            column.append_trusted_len_iter(texts.iter().map(Option::as_deref));
        }
        (Builder::Bools(column), None) => column.append_null(),
        (Builder::Ints(column), None) => column.append_null(),
        (Builder::Floats(column), None) => column.append_null(),
        (Builder::Texts(column), None) => column.append_null(),
        _ => unreachable!("scalar columns are filled by their caller"),
    }
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Object(_) if non_finite(value).is_some() => {
            let word = match as_number(value) {
                Some(f64::INFINITY) => ".inf",
                Some(f64::NEG_INFINITY) => "-.inf",
                _ => ".nan",
            };
            Some(Cow::Borrowed(word))
        }
        other => Some(Cow::Owned(canonical_json(other))),
    }
}

/// `value` with what it lacks filled in from `defaults`, at any depth of objects.
///
/// An object below the top that shares no key with its default is another variant of an enum, not
/// an older struct, and stays as it is.
pub(crate) fn fill_defaults(value: &mut Value, defaults: &Value) {
    let (Value::Object(fields), Value::Object(defaults)) = (value, defaults) else { return };
    for (key, default) in defaults {
        match fields.get_mut(key) {
            None => {
                fields.insert(key.clone(), default.clone());
            }
            Some(field) => {
                let same_struct = match (&*field, default) {
                    (Value::Object(ours), Value::Object(theirs)) => {
                        ours.is_empty() || ours.keys().any(|key| theirs.contains_key(key))
                    }
                    _ => false,
                };
                if same_struct {
                    fill_defaults(field, default);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn frame(rows: &[Value]) -> DataFrame {
        let mut kinds = Kinds::default();
        rows.iter().for_each(|row| kinds.observe(row));
        let mut builders = kinds.builders();
        rows.iter().for_each(|row| builders.push(row));
        DataFrame::new(rows.len(), builders.finish(str::to_owned)).unwrap()
    }

    fn column(frame: &DataFrame, name: &str) -> String {
        let column = frame.column(name).unwrap();
        let cells: Vec<String> = (0..frame.height())
            .map(|row| crate::Cell::of(&column.get(row).unwrap()).to_string())
            .collect();
        format!("{}: {}", column.dtype(), cells.join(" "))
    }

    #[test]
    fn types_do_not_depend_on_the_order_of_rows() {
        let rows = [
            json!({"n": 1, "x": 1, "s": 1, "l": [1], "e": null, "big": u64::MAX}),
            json!({"n": 2, "x": 0.5, "s": "a", "l": [0.5, null], "e": null, "big": 1}),
            json!({"n": 3, "s": true, "l": []}),
        ];
        let forward = frame(&rows);
        assert_eq!(column(&forward, "n"), "i64: 1 2 3");
        assert_eq!(column(&forward, "x"), "f64: 1 0.5 -");
        assert_eq!(column(&forward, "s"), "str: 1 a true");
        assert_eq!(column(&forward, "l"), "list[f64]: [1] [0.5, -] []");
        assert_eq!(column(&forward, "e"), "str: - - -");
        assert_eq!(column(&forward, "big"), "str: 18446744073709551615 1 -");
        let mut backward = rows;
        backward.reverse();
        assert_eq!(forward.schema(), frame(&backward).schema());
    }

    #[test]
    fn nested_objects_are_dotted_paths() {
        let rows = [json!({"a": {"b": 1, "c": {}}, "d": [[1], {"e": 2}]}), json!({"a": "none"})];
        let frame = frame(&rows);
        assert_eq!(column(&frame, "a"), "str: - none");
        assert_eq!(column(&frame, "a.b"), "i64: 1 -");
        assert_eq!(column(&frame, "a.c"), "str: {} -");
        assert_eq!(column(&frame, "d"), r#"list[str]: [[1], {"e":2}] -"#);
    }

    #[test]
    fn infinities_and_nan_are_numbers_and_neither_null_nor_maps() {
        let number = experiment::free_form::number;
        let clips = [json!(1), number(f64::INFINITY), number(-f64::INFINITY), json!(null)];
        let rows = clips.map(|clip| json!({"clip": clip, "list": [clip, 2], "word": clip}));
        let mut rows = Vec::from(rows);
        rows.push(json!({"clip": number(f64::NAN), "list": [], "word": "inf"}));
        let frame = frame(&rows);
        assert_eq!(column(&frame, "clip"), "f64: 1 inf -inf - NaN");
        assert_eq!(column(&frame, "list"), "list[f64]: [1, 2] [inf, 2] [-inf, 2] [-, 2] []");
        assert_eq!(column(&frame, "word"), "str: 1 .inf -.inf - inf");
    }

    #[test]
    fn a_path_given_twice_keeps_its_first_value() {
        let frame = frame(&[json!({"a": {"b": 1}, "a.b": 2}), json!({"a.b": 3})]);
        assert_eq!(column(&frame, "a.b"), "i64: 1 3");
    }

    #[test]
    fn list_and_scalar_of_one_path_become_text() {
        assert_eq!(column(&frame(&[json!({"a": [1, 2]}), json!({"a": 3})]), "a"), "str: [1,2] 3");
    }

    #[test]
    fn defaults_fill_what_is_missing_but_do_not_mix_variants() {
        let defaults = json!({"a": 1, "b": {"c": 2, "d": 3}, "kind": {"sgd": {"momentum": 0.9}}});
        let mut old = json!({"b": {"c": 7}, "kind": {"adam": {"beta": 0.9}}});
        fill_defaults(&mut old, &defaults);
        assert_eq!(old, json!({"a": 1, "b": {"c": 7, "d": 3}, "kind": {"adam": {"beta": 0.9}}}));
    }
}
