//! The body of a worker process.

use std::io::{self, BufReader};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use experiment::Entry;
use journal::Role;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};

use super::attempt::{Workbench, chain, now};
use super::protocol::{Job, Order, Report, receive, send};
use super::versions::Versions;
use super::worker::{protocol, work};
use super::{Error, threads};

/// Executes runs for the driver at the other end of standard input, until it hangs up. `engine` is the
/// numeric version of this program's engine, where it has one.
///
/// This is all that the hidden `regimen worker` command does. It takes no arguments: the driver
/// sends everything. When the driver goes away in mid-run, the run is asked to checkpoint and stop.
///
/// # Errors
/// [`Error::Protocol`] when standard input is no driver, [`Error::Journal`] when the worker's
/// journal cannot be created.
pub fn serve(entries: &[Entry], engine: Option<u32>) -> Result<(), Error> {
    let signalled = outlive_signals().map_err(|e| protocol(&e))?;
    let socket = take_socket().map_err(|e| protocol(&e))?;
    // What a run's programs leave behind becomes a child of this process, which ends it.
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        tracing::warn!(%error, "programs that leave their session may outlive their run");
    }
    let mut orders = BufReader::new(socket.try_clone().map_err(|e| protocol(&e))?);
    let setup = match receive(&mut orders).map_err(|e| protocol(&e))? {
        Some(Order::Setup(setup)) => setup,
        Some(_) => return Err(Error::Protocol("wanted the setup first".into())),
        None => return Err(Error::Protocol("a worker is started by `regimen run` only".into())),
    };
    let mut setup = setup;
    setup.opened.role = Role::Worker;
    setup.opened.pid = std::process::id();
    setup.opened.at = now();
    let interrupt = Arc::new(AtomicBool::new(false));
    let socket = Mutex::new(socket);
    let tell = |report: Report| {
        // A driver that is gone needs no report; the journal has it all.
        let _ = socket.lock().map(|mut socket| send(&mut *socket, &report));
    };
    // The program may have been replaced while its driver runs.
    if let Some(versions) = Versions::of_program(entries, engine).refuse(&setup.versions) {
        let error = Error::OtherVersion { what: "the sweep".into(), versions };
        tell(Report::Unable { error: chain(&error) });
        return Err(error);
    }
    let bench = match Workbench::new(entries, setup, interrupt.clone(), false) {
        Ok(bench) => bench.signalled_by(signalled),
        Err(error) => {
            tell(Report::Unable { error: chain(&error) });
            return Err(error.into());
        }
    };
    let (jobs, queue) = channel();
    if let Err(error) = threads::start("orders", move || follow(orders, &jobs, &interrupt)) {
        tell(Report::Unable { error: chain(&error) });
        return Err(error);
    }
    work(bench, &queue, &tell);
    Ok(())
}

/// Signals that ask a job to end come to each of its processes, and only the driver knows what they
/// mean: it asks its workers itself. Handled and not ignored, because programs of runs would inherit
/// that. The flag is set by each of them.
fn outlive_signals() -> io::Result<Arc<AtomicBool>> {
    let signalled = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2] {
        signal_hook::flag::register(signal, signalled.clone())?;
    }
    Ok(signalled)
}

/// Reads orders; a driver that is gone counts as a request to stop.
fn follow(mut orders: BufReader<UnixStream>, jobs: &Sender<Job>, interrupt: &AtomicBool) {
    while let Ok(Some(order)) = receive(&mut orders) {
        match order {
            Order::Run(job) => drop(jobs.send(job)),
            Order::Interrupt => interrupt.store(true, Ordering::Relaxed),
            Order::Setup(_) => {}
        }
    }
    interrupt.store(true, Ordering::Relaxed);
}

/// Moves the driver's socket from standard input to a descriptor that no child inherits.
fn take_socket() -> io::Result<UnixStream> {
    let socket = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let nothing = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    Ok(UnixStream::from(socket))
}
