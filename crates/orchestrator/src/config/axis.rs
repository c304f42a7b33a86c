use super::{ConfigError, Content, Node, Path, range};

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

/// A dotted key, with or without `params.` before it.
pub(super) fn key(text: &str, node: &Node, path: &Path) -> Result<Path, ConfigError> {
    let key = Path::parse(text).map_err(|(_, wanted)| {
        ConfigError::new(&node.span, path.join(text), format!("wanted {wanted} in {text:?}"))
    })?;
    Ok(match key.keys() {
        [params, rest @ ..] if params == "params" && !rest.is_empty() => {
            rest.iter().cloned().collect()
        }
        _ => key,
    })
}

/// The axes under the key `name` of a block; none where the key is missing.
pub(super) fn axes(block: &Node, path: &Path, name: &str) -> Result<Vec<Axis>, ConfigError> {
    let path = path.join(name);
    let Some(node) = block.get(name) else { return Ok(Vec::new()) };
    let Content::Map(entries) = &node.content else {
        return Err(wrong(node, path, "a map from parameters to lists of values"));
    };
    let mut axes: Vec<Axis> = Vec::new();
    for (at, values) in entries {
        let here = path.join(&at.text);
        let axis = Axis { key: key(&at.text, values, &path)?, values: list(values, &here)? };
        if axes.iter().any(|other| other.key == axis.key) {
            let message = format!("`{}` stands twice", axis.key);
            return Err(ConfigError::new(&at.span, here, message));
        }
        axes.push(axis);
    }
    Ok(axes)
}

/// A list of values, or a range.
fn list(node: &Node, path: &Path) -> Result<Vec<Node>, ConfigError> {
    let values = match &node.content {
        Content::Seq(items) => items.clone(),
        _ => match range::read(node, path)? {
            Some(values) => values,
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
pub(super) fn zipped(block: &Node, path: &Path) -> Result<Vec<Axis>, ConfigError> {
    let zip = axes(block, path, "zip")?;
    if let Some((first, rest)) = zip.split_first()
        && let Some(other) = rest.iter().find(|axis| axis.values.len() != first.values.len())
    {
        let (wanted, found) = (first.values.len(), other.values.len());
        let message = format!("wanted {wanted} values as `{}` has, found {found}", first.key);
        let path = path.join("zip").join(other.key.to_string());
        return Err(ConfigError::new(&other.values[0].span, path, message));
    }
    Ok(zip)
}
