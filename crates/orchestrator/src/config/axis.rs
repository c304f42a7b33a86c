//! Axes of a sweep: parameters with lists of values, under `grid` and `zip`.

use super::{ConfigError, Content, Faults, Node, Path, range};

/// One parameter with the values it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Path below `params`.
    pub key: Path,
    /// Values, at least one.
    pub values: Vec<Node>,
}

pub(super) fn wrong(node: &Node, path: Path, wanted: &str) -> ConfigError {
    ConfigError::new(&node.span, path, format!("wanted {wanted}, found {}", node.describe()))
}

/// The keys after `params`, if a path begins with it and is not all of it.
pub(super) fn below_params(path: Path) -> Path {
    match path.keys().split_first() {
        Some((first, rest)) if first == "params" && !rest.is_empty() => {
            rest.iter().cloned().collect()
        }
        _ => path,
    }
}

/// A dotted key, with or without `params.` before it.
pub(super) fn key(text: &str, node: &Node, path: &Path) -> Result<Path, ConfigError> {
    Path::parse(text).map(below_params).map_err(|(_, wanted)| {
        ConfigError::new(&node.span, path.join(text), format!("wanted {wanted} in {text:?}"))
    })
}

/// The axes under the key `name` of a block; none where the key is missing.
pub(super) fn axes(block: &Node, path: &Path, name: &str, faults: &mut Faults) -> Vec<Axis> {
    let path = path.join(name);
    let Some(node) = block.get(name) else { return Vec::new() };
    let Content::Map(entries) = &node.content else {
        faults.add(wrong(node, path, "a map from parameters to lists of values"));
        return Vec::new();
    };
    let mut axes: Vec<Axis> = Vec::new();
    for (at, values) in entries {
        let here = path.join(&at.text);
        let key = faults.keep(key(&at.text, values, &path));
        let values = faults.keep(list(values, &here));
        let Some((key, values)) = key.zip(values) else { continue };
        if axes.iter().any(|other| other.key == key) {
            let message = format!("`{key}` stands twice");
            faults.add(ConfigError::new(&at.span, here, message));
            continue;
        }
        axes.push(Axis { key, values });
    }
    axes
}

/// A list of values, or a range.
fn list(node: &Node, path: &Path) -> Result<Vec<Node>, ConfigError> {
    let values = match &node.content {
        Content::Seq(items) => items.clone(),
        _ => match range::read(node, path)? {
            Some(values) => values,
            None if node.content == Content::Null => {
                let wanted = "a list of values, or `!remove` to take out what is inherited";
                return Err(wrong(node, path.clone(), wanted));
            }
            None => return Err(wrong(node, path.clone(), "a list of values")),
        },
    };
    if values.is_empty() {
        let message = "wanted at least one value, found none";
        return Err(ConfigError::new(&node.span, path.clone(), message));
    }
    Ok(values)
}

/// The axes under `zip`, all of one length.
pub(super) fn zipped(block: &Node, path: &Path, faults: &mut Faults) -> Vec<Axis> {
    let mut zip = axes(block, path, "zip", faults);
    let Some(first) = zip.first().cloned() else { return zip };
    let wanted = first.values.len();
    for other in zip.iter().filter(|axis| axis.values.len() != wanted) {
        let found = other.values.len();
        let message = format!("wanted {wanted} values as `{}` has, found {found}", first.key);
        let path = path.join("zip").join(other.key.to_string());
        faults.add(ConfigError::new(&other.values[0].span, path, message));
    }
    zip.retain(|axis| axis.values.len() == wanted);
    zip
}
