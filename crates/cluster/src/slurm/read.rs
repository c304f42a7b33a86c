//! What Slurm's programs print.

use crate::{Request, Task, TaskState};

/// A number of `scontrol show config`; `UNLIMITED` and the like are none.
pub(super) fn number(text: &str, name: &str) -> Option<u32> {
    let mut lines = text.lines().filter_map(|line| line.split_once('='));
    let (_, value) = lines.find(|(key, _)| key.trim() == name)?;
    value.split_whitespace().next()?.parse().ok()
}

/// `squeue -h -r -o %K|%T|%r`: a line a task.
pub(super) fn queue(text: &str) -> Vec<Task> {
    let task = |line: &str| {
        let mut fields = line.split('|');
        let index = fields.next()?.trim().parse().ok()?;
        let word = fields.next()?.trim();
        let reason = fields.next().unwrap_or_default().trim();
        Some(Task { index, state: state(word, reason), reason: told(word, reason) })
    };
    text.lines().filter_map(task).collect()
}

/// `sacct -n -X -P -o JobID,State`: a line a task; pending tasks may share one, which says nothing
/// that the queue does not.
pub(super) fn accounts(text: &str) -> Vec<Task> {
    let task = |line: &str| {
        let (id, state_text) = line.split_once('|')?;
        let index = id.split_once('_')?.1.parse().ok()?;
        // `CANCELLED by 1000`
        let word = state_text.split_whitespace().next()?;
        Some(Task { index, state: state(word, ""), reason: told(word, "") })
    };
    text.lines().filter_map(task).collect()
}

/// Every state of Slurm 22 to 25; one that is not known is over, so that nobody waits for it.
fn state(word: &str, reason: &str) -> TaskState {
    match word {
        "RUNNING" | "COMPLETING" | "SUSPENDED" | "STOPPED" | "SIGNALING" | "STAGE_OUT"
        | "RESIZING" => TaskState::Running,
        "PENDING" if reason.contains("JobHeld") || reason == "job requeued in held state" => {
            TaskState::Held
        }
        "REQUEUE_HOLD" | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => TaskState::Held,
        "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_FED" => TaskState::Pending,
        "COMPLETED" => TaskState::Ended,
        // Preempted jobs that come back are pending.
        "CANCELLED" | "PREEMPTED" | "REVOKED" => TaskState::Cancelled,
        _ => TaskState::Failed,
    }
}

/// Why a task waits, or how it failed: its own state says it better there.
fn told(word: &str, reason: &str) -> String {
    match word {
        "PENDING" if reason != "None" => reason.into(),
        "FAILED" if reason == "None" || reason.is_empty() => word.to_lowercase(),
        "FAILED" => reason.into(),
        "TIMEOUT" | "NODE_FAIL" | "OUT_OF_MEMORY" | "BOOT_FAIL" | "DEADLINE" | "PREEMPTED" => {
            word.to_lowercase().replace('_', " ")
        }
        _ => String::new(),
    }
}

/// What an association says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Association {
    /// Jobs that the user may have submitted.
    pub(super) most: Option<u32>,
    /// Its usual quality of service.
    pub(super) qos: Option<String>,
}

/// `sacctmgr -n -P show assoc format=Account,Partition,MaxSubmitJobs,QOS,DefaultQOS`: the line that
/// the request falls under.
pub(super) fn association(text: &str, request: &Request) -> Option<Association> {
    let fits = |wanted: Option<&String>, found: &str| {
        found.is_empty() || wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
    };
    let line = |line: &str| {
        let fields: Vec<&str> = line.split('|').collect();
        let [account, partition, most, all, usual] = fields[..] else { return None };
        if !fits(request.account.as_ref(), account) || !fits(request.partition.as_ref(), partition)
        {
            return None;
        }
        let one = if usual.is_empty() { all } else { usual };
        let qos = (!one.is_empty() && !one.contains(',')).then(|| one.to_owned());
        Some(Association { most: most.parse().ok(), qos })
    };
    text.lines().find_map(line)
}

/// `sacctmgr -n -P show qos format=Name,MaxSubmitJobsPU`.
pub(super) fn submitted_of_qos(text: &str, name: &str) -> Option<u32> {
    let mut lines = text.lines().filter_map(|line| line.split_once('|'));
    lines.find(|(known, _)| *known == name)?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::example;

    /// Of Slurm 22.05: `-o %K|%T|%r`.
    const SQUEUE: &str = "\
2|CANCELLED|None
0|COMPLETED|None
4|FAILED|JobLaunchFailure
1|FAILED|NonZeroExitCode
9|PENDING|Resources
3|PENDING|BeginTime
12|PENDING|JobHeldAdmin
13|REQUEUE_HOLD|job requeued in held state
14|TIMEOUT|TimeLimit
8|RUNNING|None
15|COMPLETING|None
16|SOMETHING_NEW|None
";

    #[test]
    fn a_queue_has_a_line_a_task() {
        use TaskState::{Cancelled, Ended, Failed, Held, Pending, Running};
        let tasks = queue(SQUEUE);
        let told: Vec<_> = tasks.iter().map(|t| (t.index, t.state, t.reason.as_str())).collect();
        let wanted = [
            (2, Cancelled, ""),
            (0, Ended, ""),
            (4, Failed, "JobLaunchFailure"),
            (1, Failed, "NonZeroExitCode"),
            (9, Pending, "Resources"),
            (3, Pending, "BeginTime"),
            (12, Held, "JobHeldAdmin"),
            (13, Held, ""),
            (14, Failed, "timeout"),
            (8, Running, ""),
            (15, Running, ""),
            // Nobody waits for what is not known.
            (16, Failed, ""),
        ];
        assert_eq!(told, wanted);
        assert_eq!(queue(""), []);
        // A job that is no array has no number there.
        assert_eq!(queue("N/A|RUNNING|None\n"), []);
    }

    #[test]
    fn accounts_tell_of_those_that_the_queue_forgot() {
        use TaskState::{Cancelled, Ended, Failed};
        let text = "7_0|COMPLETED\n7_1|CANCELLED by 1000\n7_2|OUT_OF_MEMORY\n7_[3-9]|PENDING\n";
        let told: Vec<_> = accounts(text).into_iter().map(|t| (t.index, t.state)).collect();
        assert_eq!(told, [(0, Ended), (1, Cancelled), (2, Failed)]);
    }

    #[test]
    fn limits_are_numbers_or_none() {
        let text = "MaxArraySize            = 1001\nMaxJobCount             = 10000\n\
                    MaxStepCount            = UNLIMITED\n";
        assert_eq!(number(text, "MaxArraySize"), Some(1001));
        assert_eq!(number(text, "MaxStepCount"), None);
        assert_eq!(submitted_of_qos("normal|\nshort|20\n", "short"), Some(20));
        assert_eq!(submitted_of_qos("normal|\nshort|20\n", "normal"), None);
    }

    #[test]
    fn an_association_is_that_of_the_account_and_partition() {
        let text = "main|||normal|\nlab|long|5|normal,high|high\nlab||9|normal|normal\n";
        let of = |account: Option<&str>, partition: Option<&str>| {
            let mut request = example(1);
            request.account = account.map(Into::into);
            request.partition = partition.map(Into::into);
            association(text, &request).map(|found| (found.most, found.qos.unwrap_or_default()))
        };
        assert_eq!(of(None, None), Some((None, "normal".into())));
        assert_eq!(of(Some("lab"), Some("long")), Some((Some(5), "high".into())));
        assert_eq!(of(Some("lab"), Some("short")), Some((Some(9), "normal".into())));
        assert_eq!(of(Some("nobody"), None), None);
    }
}
