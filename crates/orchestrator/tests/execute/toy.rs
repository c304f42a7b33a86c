//! An experiment that ends in whatever way a test wants.

use std::cell::Cell;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use experiment::{Better, DataRef, Error, Experiment, FileSum, Metric, ParamError, Run};
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    #[default]
    Succeed,
    Fail,
    Panic,
    Abort,
    Nan,
    Sleep,
    Hog,
    /// Has a child program take the memory.
    HogByProxy,
    Leak,
    Print,
    Exit,
    /// Crashes until as many files as its number exist in the folder `gate`.
    CrashAtFirst,
    /// Writes the process id of a child program that sleeps to `gate`.
    Parent,
    /// Writes that of a program which left its session and its parent, and ends.
    Daemon,
    /// The same, and does not end.
    LateDaemon,
    /// The same, and the program takes memory.
    HogByDaemon,
    /// Writes the name of its temporary folder, with a file in it, and does not end.
    Litter,
    /// Prints its number by its log and by itself.
    Say,
    Warn,
    ProgramCrash,
    Machine,
    Count,
    /// Waits for `gate`, then publishes the id of its process, first in one file and then in another.
    Sign,
    /// Records ten values of `sum` that grow with the number, with a checkpoint.
    Climb,
    /// Reads a run of `Count` that it calls `base`.
    Build,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    pub(crate) way: Way,
    pub(crate) number: u64,
    /// `Count` waits in the middle until this file exists.
    pub(crate) gate: Option<PathBuf>,
}

pub(crate) struct Toy(Params);

thread_local! {
    /// What an engine was told.
    static THREADS: Cell<usize> = const { Cell::new(0) };
}

pub(crate) fn set_threads(threads: usize) {
    THREADS.set(threads);
}

impl Experiment for Toy {
    type Params = Params;
    const NAME: &'static str = "toy";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Ends as asked.";
    const METRICS: &'static [Metric] = &[Metric::new("sum", "", Better::Higher)];

    fn new(params: Params) -> Result<Self, ParamError> {
        Ok(Self(params))
    }

    fn data(&self) -> Vec<DataRef> {
        Vec::new()
    }

    /// The sum of a file is what stands in it.
    fn file_sum(name: &str) -> Option<Result<FileSum, String>> {
        let text = std::fs::read_to_string(name.strip_prefix("file:")?);
        Some(text.map(|sum| FileSum { sum, newest: None }).map_err(|error| error.to_string()))
    }

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        match self.0.way {
            Way::Succeed => {
                run.record(1, "loss", 0.5)?;
                run.table("answers", &serde_json::json!({"number": self.0.number}))?;
                run.result("threads", THREADS.get() as f64)?;
                run.result("sum", self.0.number as f64)
            }
            Way::Fail => Err(Error::other("reading the toy", std::io::Error::other("it broke"))),
            Way::Panic => panic!("toy {} fell over", self.0.number),
            Way::Abort => std::process::abort(),
            Way::Nan => run.record(3, "loss", f64::NAN),
            Way::Sleep => {
                run.progress(0, 1);
                sleep(Duration::from_secs(300));
                Ok(())
            }
            Way::Hog => {
                let block = std::hint::black_box(vec![1_u8; 400 << 20]);
                sleep(Duration::from_secs(300));
                run.result("sum", f64::from(block[block.len() / 2]))
            }
            Way::HogByProxy => {
                // `tail` keeps a line that never ends in memory.
                let mut tail = shell("tail -n 1 /dev/zero");
                tail.wait().unwrap();
                Ok(())
            }
            Way::Leak => {
                std::mem::forget(std::hint::black_box(vec![1_u8; 40 << 20]));
                Ok(())
            }
            Way::Print => {
                let block = vec![b'x'; 1 << 20];
                for _ in 0..1024 {
                    std::io::stdout().write_all(&block).unwrap();
                    sleep(Duration::from_millis(20));
                }
                Ok(())
            }
            Way::Exit => std::process::exit(0),
            Way::CrashAtFirst => {
                let folder = self.0.gate.as_ref().unwrap();
                std::fs::create_dir_all(folder).unwrap();
                let crashes = std::fs::read_dir(folder).unwrap().count() as u64;
                run.artifact("crashes.txt", crashes.to_string().as_bytes())?;
                if crashes < self.0.number {
                    std::fs::write(folder.join(crashes.to_string()), "").unwrap();
                    std::io::stderr().write_all(b"about to crash\n").unwrap();
                    std::process::abort();
                }
                run.result("sum", crashes as f64)
            }
            Way::Parent => {
                let mut child = shell("sleep 300");
                std::fs::write(self.0.gate.as_ref().unwrap(), child.id().to_string()).unwrap();
                run.progress(0, 1);
                child.wait().unwrap();
                Ok(())
            }
            Way::Daemon | Way::LateDaemon | Way::HogByDaemon => self.daemon(run),
            Way::Litter => {
                let folder = run.scratch()?;
                std::fs::write(folder.join("state"), "state").unwrap();
                let gate = self.0.gate.as_ref().unwrap();
                std::fs::write(gate, folder.to_str().unwrap()).unwrap();
                sleep(Duration::from_secs(300));
                Ok(())
            }
            Way::Say => {
                run.log(format!("run {}\n", self.0.number).as_bytes());
                let text = format!("printed {}\n", self.0.number);
                std::io::stderr().write_all(text.as_bytes()).unwrap();
                Ok(())
            }
            Way::Warn => {
                run.warn(&format!("odd: {}", self.0.number));
                Ok(())
            }
            Way::ProgramCrash => {
                let context = "toy was killed by SIGSEGV".into();
                Err(Error::Crashed { context, source: "nothing more".into() })
            }
            Way::Machine => {
                Err(Error::machine("temporary folder /x", std::io::ErrorKind::NotFound.into()))
            }
            Way::Count => self.count(run),
            Way::Sign => {
                let id = std::process::id().to_string();
                run.artifact("first.txt", id.as_bytes())?;
                run.progress(0, 1);
                while !self.0.gate.as_ref().unwrap().exists() {
                    sleep(Duration::from_millis(2));
                }
                run.artifact("second.txt", id.as_bytes())
            }
            Way::Climb => self.climb(run),
            Way::Build => {
                let base = run.needed("base")?;
                let text = String::from_utf8(base.read("sum.txt")?).unwrap();
                assert_eq!(text.parse::<f64>().unwrap(), base.metric("sum")?);
                assert!(base.artifact("sum.txt")?.is_file());
                let last = *base.values("sum")?.last().unwrap();
                assert_eq!(last, (9, base.metric("sum")?));
                assert_eq!((base.param("way")?, base.seed()), (&"count".into(), 1));
                run.result("sum", base.metric("sum")? + self.0.number as f64)
            }
        }
    }
}

fn shell(command: &str) -> Child {
    Command::new("sh").args(["-c", &format!("exec {command}")]).spawn().unwrap()
}

impl Toy {
    /// Has a shell start a program in a session of its own, and waits until that wrote its id.
    fn daemon(&self, run: &mut Run<'_>) -> Result<(), Error> {
        let gate = self.0.gate.as_ref().unwrap();
        let last = match self.0.way {
            Way::HogByDaemon => "exec tail -n 1 /dev/zero",
            _ => "exec sleep 300",
        };
        let script = format!("echo $$ > {0}.new; mv {0}.new {0}; {last}", gate.display());
        let command = format!("setsid setsid sh -c '{script}' >/dev/null 2>&1 </dev/null &");
        let folder = run.scratch()?;
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).env("FOLDER", folder).status().unwrap();
        while !gate.exists() {
            sleep(Duration::from_millis(2));
        }
        if self.0.way != Way::Daemon {
            sleep(Duration::from_secs(300));
        }
        Ok(())
    }

    fn climb(&self, run: &mut Run<'_>) -> Result<(), Error> {
        let saved = run.resume()?.map(|bytes| bytes[0]);
        for step in saved.unwrap_or(0)..10 {
            if run.checkpoint_due() {
                run.checkpoint(&[step])?;
            }
            if run.interrupted() {
                return Err(Error::Interrupted);
            }
            run.record(u64::from(step), "sum", (self.0.number * u64::from(step)) as f64)?;
        }
        run.result("sum", (self.0.number * 9) as f64)
    }

    /// Adds up random numbers, with a checkpoint that holds step and sum.
    fn count(&self, run: &mut Run<'_>) -> Result<(), Error> {
        let saved: Option<(u64, f64)> =
            run.resume()?.map(|bytes| serde_json::from_slice(&bytes).unwrap());
        let (first, mut sum) = saved.unwrap_or((0, 0.0));
        for step in first..10 {
            if let Some(gate) = self.0.gate.as_ref().filter(|_| step == 5) {
                run.progress(step, 10);
                while !gate.exists() && !run.interrupted() {
                    sleep(Duration::from_millis(2));
                }
            }
            if run.checkpoint_due() {
                run.checkpoint(&serde_json::to_vec(&(step, sum)).unwrap())?;
            }
            if run.interrupted() {
                return Err(Error::Interrupted);
            }
            sum += run.rng("numbers", step).random::<f64>();
            run.record(step, "sum", sum)?;
            run.table("steps", &serde_json::json!({ "step": step }))?;
        }
        run.artifact("sum.txt", sum.to_string().as_bytes())?;
        run.result("sum", sum)
    }
}
