//! Metric rows stored by column: names once, then three plain arrays.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::MetricRow;

#[derive(Serialize, Deserialize)]
struct Columns {
    names: Vec<String>,
    metrics: Vec<u32>,
    steps: Vec<u64>,
    values: Vec<f64>,
}

pub(crate) fn serialize<S: Serializer>(
    rows: &[MetricRow],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut columns = Columns {
        names: Vec::new(),
        metrics: Vec::with_capacity(rows.len()),
        steps: rows.iter().map(|row| row.step).collect(),
        values: rows.iter().map(|row| row.value).collect(),
    };
    for row in rows {
        // A run reports a handful of metrics, so a scan beats a map.
        let known = columns.names.iter().position(|name| *name == row.metric);
        let at = known.unwrap_or_else(|| {
            columns.names.push(row.metric.clone());
            columns.names.len() - 1
        });
        columns.metrics.push(u32::try_from(at).map_err(serde::ser::Error::custom)?);
    }
    columns.serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<MetricRow>, D::Error> {
    let Columns { names, metrics, steps, values } = Columns::deserialize(deserializer)?;
    if metrics.len() != steps.len() || metrics.len() != values.len() {
        return Err(D::Error::custom("metric columns of different lengths"));
    }
    let rows = metrics.into_iter().zip(steps).zip(values);
    rows.map(|((at, step), value)| {
        let metric = names
            .get(at as usize)
            .ok_or_else(|| D::Error::custom(format!("metric {at} of {}", names.len())))?;
        Ok(MetricRow { step, metric: metric.clone(), value })
    })
    .collect()
}
