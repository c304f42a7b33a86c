//! Values of a configuration as JSON, as experiments and journals have them.

use experiment::free_form;
use serde_json::{Number, Value};

use super::{Content, Node};

/// What can be given as JSON; infinities and NaN as [`experiment::free_form`] has them.
pub trait ToJson {
    /// The value as JSON.
    fn to_json(&self) -> Value;
}

impl ToJson for Node {
    fn to_json(&self) -> Value {
        self.content.to_json()
    }
}

impl ToJson for Content {
    fn to_json(&self) -> Value {
        match self {
            Self::Null | Self::Removed { .. } => Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => Number::from_i128(*value).map_or(Value::Null, Value::Number),
            Self::Float(value) => free_form::number(*value),
            Self::Text(text) => text.as_str().into(),
            Self::Seq(items) => items.iter().map(Node::to_json).collect(),
            Self::Map(entries) => {
                let field = |(key, node): &(super::Key, Node)| (key.text.clone(), node.to_json());
                Value::Object(entries.iter().map(field).collect())
            }
            Self::Tagged { value, .. } => value.to_json(),
        }
    }
}
