//! Learning a schedule for another experiment.

use autodiff::{Error as TraceError, Var};
use experiment::{
    Better, DataPaths, DataRef, Device, Entry, Error, Experiment, MemorySink, Metric,
    ObjectiveHook, ParamError, Run, RunContext, RunId, Stream,
};
use hypergrad::{Hypergrad, Params, Targets, Task};
use learn::{Batch, BatchVars, Field, Fields, Init, Layout, Objective};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Fits `width` numbers to ones.
struct Fit {
    layout: Layout,
    fields: Fields,
    ones: Field<f32>,
}

impl Objective for Fit {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &BatchVars<'g>) -> Result<Var<'g>, TraceError> {
        Ok(params[0].sub(batch[self.ones])?.square().mean_all())
    }

    fn fill(&self, _: &Stream, index: u64, batch: &mut Batch) {
        let ripple = if index.is_multiple_of(2) { 0.1 } else { -0.1 };
        batch[self.ones].fill(1.0 + ripple);
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Width {
    width: usize,
}

impl Default for Width {
    fn default() -> Self {
        Self { width: 3 }
    }
}

struct Fitting(usize);

impl Experiment for Fitting {
    type Params = Width;
    const NAME: &'static str = "fitting";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Fits numbers to ones";
    const METRICS: &'static [Metric] = &[Metric::new("loss", "", Better::Lower)];

    fn new(params: Width) -> Result<Self, ParamError> {
        ParamError::check(params.width > 0, "width", "1 or more", params.width)?;
        Ok(Self(params.width))
    }

    fn data(&self) -> Vec<DataRef> {
        vec![DataRef { name: "ones".into() }]
    }

    fn run(&self, _: &mut Run<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn objective(&self, _: &mut Run<'_>) -> Result<Option<ObjectiveHook>, Error> {
        let shape = [self.0];
        let mut fields = Fields::new();
        let objective: Box<dyn Objective> = Box::new(Fit {
            layout: Layout::new().with("numbers", &shape, Init::Normal { std: 1.0 }),
            ones: fields.float("ones", &shape),
            fields,
        });
        Ok(Some(Box::new(objective)))
    }
}

struct OnlyFitting;

impl Targets for OnlyFitting {
    fn entries() -> Vec<Entry> {
        vec![Entry::of::<Fitting>()]
    }
}

fn params(task: Task) -> Params {
    Params {
        task,
        target: Some("fitting".into()),
        target_params: json!({ "width": 5 }),
        learning_rate: Some(0.05),
        meta_iterations: Some(20),
        meta_step: Some(0.2),
        steps: Some(10),
        points: Some(5),
        ..Params::default()
    }
}

#[test]
fn a_schedule_is_learned_for_another_experiment() {
    for task in [Task::Schedules, Task::InitialGradient, Task::Baseline] {
        let experiment = Hypergrad::<OnlyFitting>::new(params(task)).unwrap();
        assert_eq!(experiment.data(), [DataRef { name: "ones".into() }]);
        let mut sink = MemorySink::default();
        let (id, data) = (RunId::of("test"), DataPaths::default());
        let context = RunContext { id, seed: 3, threads: 1, device: Device::Cpu, data };
        experiment.run(&mut Run::new(context, &mut sink)).unwrap();
        if task == Task::Schedules {
            assert_eq!(sink.tables["schedules"].len(), 10);
            let (first, last) = (sink.results["initial_objective"], sink.results["objective"]);
            assert!(last < 0.2 * first, "{first} to {last}");
            assert!(sink.results["fresh_objective"] < 0.2 * first);
        }
    }
}

#[test]
fn an_impossible_target_is_named() {
    let told = |params| Hypergrad::<OnlyFitting>::new(params).err().unwrap().to_string();
    let given = params(Task::Schedules);
    let unknown = Params { target: Some("dialogue".into()), ..given.clone() };
    assert_eq!(told(unknown), "target: wanted one of fitting, found dialogue");
    let zero = Params { target_params: json!({ "width": 0 }), ..given.clone() };
    assert_eq!(told(zero), "target_params.width: wanted 1 or more, found 0");
    let unknown = Params { target_params: json!({ "depth": 2 }), ..given.clone() };
    let told_unknown = told(unknown);
    assert!(
        told_unknown.starts_with("target_params: wanted parameters of fitting"),
        "{told_unknown}"
    );
    assert!(told_unknown.contains("depth"), "{told_unknown}");
    let chaos = Params { task: Task::Chaos, ..given.clone() };
    assert_eq!(told(chaos), "target: wanted none for this task, found fitting");
    let batch = Params { batch: Some(3), ..given.clone() };
    assert_eq!(told(batch), "batch: wanted it in target_params, found it beside a target");
    let alone = Params { target: None, ..given };
    assert_eq!(told(alone), r#"target_params: wanted none without a target, found {"width":5}"#);
}
