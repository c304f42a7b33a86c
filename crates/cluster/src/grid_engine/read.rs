//! What Grid Engine's programs print.

use std::collections::BTreeSet;

use crate::{JobId, Task, TaskState};

/// A number of `qconf -sconf`; 0 means that there is no limit.
pub(super) fn number(text: &str, name: &str) -> Option<u32> {
    let mut lines = text.lines().filter_map(|line| line.split_once(char::is_whitespace));
    let (_, value) = lines.find(|(key, _)| *key == name)?;
    value.trim().parse().ok().filter(|number| *number > 0)
}

/// Lines of `qstat` that are tasks, in words.
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let words =
        |line: &'_ str| -> bool { line.trim_start().starts_with(|c: char| c.is_ascii_digit()) };
    text.lines().filter(move |line| words(line)).map(|line| line.split_whitespace().collect())
}

/// How many jobs `qstat -g d` lists; those of one array are one.
pub(super) fn jobs(text: &str) -> usize {
    lines(text).filter_map(|words| words.first().copied()).collect::<BTreeSet<_>>().len()
}

/// `qstat -g d`: a line a task of job-ID, prior, name, user, state, date, time, queue where it has
/// one, slots, and its number, which counts from 1.
pub(super) fn queue(text: &str, job: &str) -> Vec<Task> {
    let task = |words: Vec<&str>| {
        if words.first() != Some(&job) || words.len() < 8 {
            return None;
        }
        let word = words[4];
        let index: u32 = words.last()?.parse().ok()?;
        let reason =
            if word.contains('E') { "error state: `qstat -explain E` says why" } else { "" };
        Some(Task { index: index.checked_sub(1)?, state: state(word), reason: reason.into() })
    };
    lines(text).filter_map(task).collect()
}

/// Letters of `qstat(1)`: d deletion, E error, h hold, r running, R restarted, s S T suspended, t
/// transferring, w waiting, q queued.
fn state(word: &str) -> TaskState {
    match word {
        // It waits until somebody clears it.
        _ if word.contains('E') => TaskState::Held,
        _ if word.contains('d') => TaskState::Cancelled,
        _ if word.contains('h') => TaskState::Held,
        _ if word.contains('w') || word == "Rq" => TaskState::Pending,
        _ => TaskState::Running,
    }
}

/// The job of `qstat -j NAME` or `qacct -j NAME`; the last one, where there are several.
pub(super) fn job_number(text: &str) -> Option<JobId> {
    let number = |line: &str| {
        let (key, value) = line.split_once(char::is_whitespace)?;
        let key = key.trim_end_matches(':');
        let is_it = matches!(key, "job_number" | "jobnumber");
        is_it.then(|| JobId(value.trim().into()))
    };
    text.lines().filter_map(number).next_back()
}

/// `qacct -j JOB`: a block a task that ended, also those that were executed again.
pub(super) fn accounts(text: &str) -> Vec<Task> {
    let block = |block: &str| {
        let field = |name: &str| {
            let mut lines = block.lines().filter_map(|line| line.split_once(char::is_whitespace));
            lines.find(|(key, _)| *key == name).map(|(_, value)| value.trim())
        };
        let index: u32 = field("taskid")?.parse().ok()?;
        let failed = field("failed").unwrap_or("0");
        let exit = field("exit_status")?.split_whitespace().next()?.to_owned();
        let was_deleted = field("deleted_by").is_some_and(|by| by != "NONE");
        let (state, reason) = match failed.split_whitespace().next() {
            _ if was_deleted => (TaskState::Cancelled, String::new()),
            Some("0") if exit == "0" => (TaskState::Ended, String::new()),
            Some("0") => (TaskState::Failed, format!("exit code {exit}")),
            _ => (TaskState::Failed, failed.into()),
        };
        Some(Task { index: index.checked_sub(1)?, state, reason })
    };
    text.split("==============================================================")
        .filter_map(block)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of Son of Grid Engine 8.1.9: tasks that run, wait after exit code 99, and wait at first.
    const QSTAT: &str = "\
job-ID  prior   name       user         state submit/start at     queue                          slots ja-task-ID 
-----------------------------------------------------------------------------------------------------------------
      1 0.50000 rec-a      root         r     11/30/2026 01:39:58 main.q@vm                          1 3
      1 0.50000 rec-a      root         dr    11/30/2026 01:39:59 main.q@vm                          1 5
      1 0.50000 rec-a      root         Rq    11/30/2026 01:40:00                                    1 4
      1 0.50000 rec-a      root         qw    11/30/2026 01:40:00                                    1 7
      1 0.50000 rec-a      root         hqw   11/30/2026 01:40:00                                    1 8
      1 0.50000 rec-a      root         Eqw   11/30/2026 01:40:00                                    1 9
      2 0.50000 other      root         r     11/30/2026 01:40:00 main.q@vm                          1 1
";

    const QACCT: &str = "\
==============================================================
qname        main.q              
jobnumber    1                   
taskid       1                   
failed       0    
exit_status  0                   
==============================================================
jobnumber    1                   
taskid       2                   
failed       0    
exit_status  7                   
==============================================================
jobnumber    1                   
taskid       4                   
failed       25  : rescheduling
exit_status  99                  
==============================================================
jobnumber    1                   
taskid       6                   
failed       37  : qmaster enforced h_rt, h_cpu, or h_vmem limit
exit_status  137                 
";

    #[test]
    fn a_queue_has_a_line_a_task() {
        use TaskState::{Cancelled, Held, Pending, Running};
        let tasks = queue(QSTAT, "1");
        let states: Vec<_> = tasks.iter().map(|task| (task.index, task.state)).collect();
        let wanted =
            [(2, Running), (4, Cancelled), (3, Pending), (6, Pending), (7, Held), (8, Held)];
        assert_eq!(states, wanted);
        assert_eq!(jobs(QSTAT), 2);
        assert_eq!(queue("", "1"), []);
    }

    #[test]
    fn accounts_have_a_block_an_execution() {
        use TaskState::{Ended, Failed};
        let tasks = accounts(QACCT);
        let told: Vec<_> = tasks.iter().map(|t| (t.index, t.state, t.reason.as_str())).collect();
        let limit = "37  : qmaster enforced h_rt, h_cpu, or h_vmem limit";
        let again = (3, Failed, "25  : rescheduling");
        assert_eq!(told, [(0, Ended, ""), (1, Failed, "exit code 7"), again, (5, Failed, limit)]);
        assert_eq!(job_number(QACCT), Some(JobId("1".into())));
        let found = "==========\njob_number:                 12\nexec_file:   job_scripts/12\n";
        assert_eq!(job_number(found), Some(JobId("12".into())));
        assert_eq!(job_number("Following jobs do not exist: \nnope\n"), None);
    }

    #[test]
    fn no_limit_is_written_as_0() {
        let text = "max_unheard                  00:05:00\nmax_aj_tasks                 75000\n\
                    max_u_jobs                   0\n";
        assert_eq!(number(text, "max_aj_tasks"), Some(75_000));
        assert_eq!(number(text, "max_u_jobs"), None);
    }
}
