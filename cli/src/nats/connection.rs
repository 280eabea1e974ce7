//! A connection to a server, and the thread that keeps it.
//!
//! The client is asynchronous, the program is not: a thread runs the client's tasks, and whoever asks waits on its own thread.

use super::address::Address;
use crate::console::{self, Seldom};
use crate::failure::Failure;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::{self, Context, ErrorCode, stream};
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event};
use std::env;
use std::fs;
use std::future::{self, Future};
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;
use tokio::time::sleep;

/// Longest wait for the first connection, and for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest wait between two attempts to get a lost connection back.
const MOST_DELAY: Duration = Duration::from_secs(2);
/// How often whoever waits for a server looks for a signal.
const GLANCE: Duration = Duration::from_millis(100);
/// How long a server is waited for when a signal has come.
const GRACE: Duration = Duration::from_secs(2);

/// A connection to a server, which is taken up again whenever it is lost.
#[derive(Clone)]
pub(super) struct Connection {
    runtime: Handle,
    pub(super) client: Client,
    pub(super) context: Context,
    /// How often the connection has been made.
    made: watch::Receiver<u64>,
}

impl Connection {
    /// Connects to the server of an address.
    ///
    /// # Errors
    /// It cannot be reached, or does not let this program in. A server that is not there at the start is no lost connection: most
    /// of the time its name is wrong.
    pub(super) fn open(address: &Address) -> Result<Self, Failure> {
        let runtime = runtime()?;
        let (counter, made) = watch::channel(0_u64);
        let name = address.to_string();
        let refusals = Mutex::new(Seldom::default());
        let options = options(address)?.event_callback(move |event| {
            match event {
                Event::Connected => {
                    let before = *counter.borrow();
                    if before > 0 {
                        console::print(&format_args!("connected to {name} again"));
                    }
                    counter.send_replace(before + 1);
                }
                Event::Disconnected => console::print(&format_args!("lost the connection to {name}: trying again")),
                // Such as a permission that is missing, where an answer would be waited for in vain.
                Event::ServerError(error) if refusals.lock().is_ok_and(|mut refusals| refusals.is_due()) => {
                    console::print(&format_args!("the server of {name} refuses something: {error}"));
                }
                _ => {}
            }
            future::ready(())
        });
        let connected = runtime.block_on(options.connect(&*address.server));
        let client = connected.map_err(|error| {
            let server = &address.server;
            let remedy = match error.kind() {
                ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                    "give a user with nats://USER:PASSWORD@HOST, or a file of credentials in NATS_CREDS"
                }
                // A certificate that is not believed is an error of input and output to the client.
                kind if kind == ConnectErrorKind::Tls || error.to_string().contains("certificate") => {
                    "an authority of one's own is named in NATS_CA, a certificate in NATS_CERT and NATS_KEY"
                }
                _ if address.server.starts_with("tls:") => {
                    "is it running, is this its name and port, and does it speak TLS?"
                }
                _ => "is it running, and is this its name and port?",
            };
            Failure::usage(format!("cannot connect to {server}: {error}; {remedy}"))
        })?;
        // It starts a task.
        let context = runtime.block_on(async { jetstream::new(client.clone()) });
        Ok(Self { runtime, client, context, made })
    }

    /// Waits for what the client does.
    pub(super) fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// How often the connection has been made.
    pub(super) fn made(&self) -> u64 {
        *self.made.borrow()
    }

    /// Waits until the connection has been made more often than so.
    pub(super) async fn made_again(&self, made: u64) {
        if self.made.clone().wait_for(|now| *now > made).await.is_err() {
            future::pending::<()>().await;
        }
    }

    /// Looks the stream of an address up.
    ///
    /// # Errors
    /// There is none of that name, or no `JetStream`.
    pub(super) fn stream(&self, address: &Address) -> Result<stream::Stream, Failure> {
        self.wait(self.context.get_stream(&address.stream)).map_err(|error| {
            let Address { server, stream, .. } = address;
            Failure::usage(match error.kind() {
                GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                    format!("{server} has no stream {stream}: make it, such as by `nats stream add {stream}`, or name another")
                }
                _ => format!("cannot look up the stream {stream} of {server}: {error}; does the server run JetStream (-js)?"),
            })
        })
    }

    /// Runs a task beside everything else.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }
}

/// A name that no other process has or has had.
pub(super) fn process_name() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:x}", since.as_nanos(), process::id())
}

/// The runtime of a connection, on a thread of its own.
fn runtime() -> Result<Handle, Failure> {
    let cannot = |error: std::io::Error| Failure::failed(format!("cannot start a thread: {error}"));
    let runtime = Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    let handle = runtime.handle().clone();
    let run = move || runtime.block_on(future::pending::<()>());
    thread::Builder::new().name("nats".to_owned()).spawn(run).map_err(cannot)?;
    Ok(handle)
}

/// The options of a connection, by the address and by the variables that the tools of NATS know.
fn options(address: &Address) -> Result<ConnectOptions, Failure> {
    let delay = |attempt: usize| {
        let attempt = u32::try_from(attempt).unwrap_or(u32::MAX);
        Duration::from_millis(50).saturating_mul(attempt).min(MOST_DELAY)
    };
    let mut options = ConnectOptions::new()
        .name("evenkeel pipe")
        .connection_timeout(PATIENCE)
        .request_timeout(Some(PATIENCE))
        .reconnect_delay_callback(delay);
    if let Some((user, password)) = &address.user {
        options = options.user_and_password(user.clone(), password.clone());
    }
    if let Some(token) = &address.token {
        options = options.token(token.clone());
    }
    if let Some(path) = variable("NATS_CREDS") {
        let cannot = |error| Failure::usage(format!("cannot use {}, which NATS_CREDS names: {error}", path.display()));
        let text = fs::read_to_string(&path).map_err(cannot)?;
        options = options.credentials(&text).map_err(cannot)?;
    }
    if let Some(path) = variable("NATS_CA") {
        options = options.add_root_certificates(path);
    }
    match (variable("NATS_CERT"), variable("NATS_KEY")) {
        (Some(certificate), Some(key)) => options = options.add_client_certificate(certificate, key),
        (None, None) => {}
        _ => return Err(Failure::usage("NATS_CERT and NATS_KEY go together, and one of them is not set")),
    }
    Ok(options)
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// A signal to stop, as it is seen by who waits for a server.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    has_come: Arc<AtomicBool>,
    /// When it was first seen.
    seen: Arc<OnceLock<Instant>>,
}

impl Stop {
    /// Hears SIGTERM and SIGINT from now on, beside whoever else does.
    pub(super) fn listen() -> Result<Self, Failure> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let has_come = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            let registered = signal_hook::flag::register(signal, Arc::clone(&has_come));
            registered.map_err(|error| Failure::failed(format!("cannot listen to signals: {error}")))?;
        }
        Ok(Self { has_come, seen: Arc::default() })
    }

    /// Waits for a signal, and then until a server that is there would have answered.
    pub(super) async fn stopped(&self) {
        while !self.has_come.load(Ordering::Relaxed) {
            sleep(GLANCE).await;
        }
        sleep(GRACE.saturating_sub(self.seen.get_or_init(Instant::now).elapsed())).await;
    }
}
