//! Queries over the store of `configs/quickstart.yaml`.

use std::error::Error;
use std::path::Path;

use regimen::tables::polars::prelude::*;
use regimen::tables::{Published, scan};

/// The runs that have results and answer their requests by now.
fn finished(store: &Path) -> Result<LazyFrame, Box<dyn Error>> {
    let is_finished = col("status").eq(lit("finished"));
    Ok(scan(store, "dialog", "runs")?.filter(is_finished.and(col("current"))))
}

/// The mean over seeds beside the paper's number.
pub fn table(store: &Path, published: &Path) -> Result<DataFrame, Box<dyn Error>> {
    let accuracy = || col("final.test_accuracy");
    let is_theirs = col("metric").eq(lit("test_accuracy")).and(col("policy_accuracy").eq(lit(0.5)));
    let theirs = Published::read(published)?.lazy().filter(is_theirs);
    let ours = finished(store)?.group_by([col("params.regime"), col("params.learner")]).agg([
        len().alias("runs"),
        accuracy().mean().alias("mean"),
        accuracy().std(1).alias("deviation"),
    ]);
    let table = ours
        .join(
            theirs,
            [col("params.regime"), col("params.learner")],
            [col("regime"), col("learner")],
            JoinArgs::new(JoinType::Left),
        )
        .with_column((col("mean") - col("value")).alias("gap"))
        .sort(["params.regime", "params.learner"], Default::default());
    Ok(table.collect()?)
}

/// What one learner gains over another with the same seed.
pub fn gains(store: &Path) -> Result<DataFrame, Box<dyn Error>> {
    let score = |learner: &str| {
        let of_it = finished(store)?.filter(col("params.learner").eq(lit(learner)));
        let score = col("final.test_accuracy").alias(learner);
        Ok::<_, Box<dyn Error>>(of_it.select([col("params.regime"), col("seed"), score]))
    };
    let same = [col("params.regime"), col("seed")];
    let gains = score("rbi")?
        .join(score("imitation")?, &same, &same, JoinArgs::new(JoinType::Inner))
        .with_column((col("rbi") - col("imitation")).alias("gain"))
        .group_by([col("params.regime")])
        .agg([len().alias("pairs"), col("gain").mean(), col("gain").min().alias("least")])
        .sort(["params.regime"], Default::default());
    Ok(gains.collect()?)
}

/// Curves: the mean over seeds at each step.
pub fn curves(store: &Path) -> Result<DataFrame, Box<dyn Error>> {
    let curves = scan(store, "dialog", "metrics")?
        .filter(col("metric").eq(lit("dev_accuracy")))
        .join(finished(store)?, [col("run_id")], [col("run_id")], JoinArgs::new(JoinType::Inner))
        .group_by([col("params.regime"), col("params.learner"), col("step")])
        .agg([col("value").mean()])
        .sort(["params.regime", "params.learner", "step"], Default::default());
    Ok(curves.collect()?)
}
