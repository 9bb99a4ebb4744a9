//! Signals while the process waits for a file or a provider that does not answer.

use std::{
    fs::File,
    os::unix::{fs::OpenOptionsExt, process::ExitStatusExt},
    path::Path,
};

use rustix::{fs::OFlags, process::Signal};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};

use crate::{
    pipes::make_pipe,
    support::{Installation, Program, eventually, free_port},
};

/// Settings with a variable whose file is this pipe.
fn waiting_for<'i>(pipe: &Path, installation: &'i Installation) -> Vec<(&'i str, String)> {
    make_pipe(pipe);
    let settings = installation.environment().into_iter();
    let mut settings: Vec<_> = settings
        .map(|(name, value)| (name, value.to_owned()))
        .collect();
    let pipe = pipe.to_str().unwrap().to_owned();
    settings.push(("AUTHSEAL_KEYS_PASSPHRASE_FILE", pipe));
    settings
}

fn start(command: &[&str], settings: &[(&str, String)]) -> Program {
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Program::start(command, &settings)
}

/// Waits until somebody reads the pipe, who then waits until the returned file is closed.
async fn read_by_somebody(pipe: &Path) -> File {
    let mut options = File::options();
    options
        .write(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    eventually("the pipe is read", async || options.open(pipe).ok()).await
}

#[tokio::test]
async fn a_start_that_hangs_says_so_survives_sighup_and_ends_by_sigterm_and_ctrl_c() {
    let (installation, _) = Installation::with_key().await;
    let pipe = installation.keys_dir.with_extension("pipe");
    let settings = waiting_for(&pipe, &installation);
    for (by_ctrl_c, expected) in [(false, Signal::TERM), (true, Signal::INT)] {
        let program = start(&["serve"], &settings);
        program.says("the start waits for a file").await;
        program.hang_up().await;
        match by_ctrl_c {
            true => program.interrupt().await,
            false => program.terminate().await,
        }
        let (status, output) = program.end().await;
        assert_eq!(status.signal(), Some(expected.as_raw()), "{output}");
    }
}

#[tokio::test]
async fn every_command_that_hangs_ends_by_ctrl_c() {
    let (installation, _) = Installation::with_key().await;
    let pipe = installation.keys_dir.with_extension("pipe");
    let settings = waiting_for(&pipe, &installation);
    let authid = installation.log_in("stable");
    for command in [
        &["check"] as &[&str],
        &["check", "--online"],
        &["revoke", &authid],
    ] {
        let program = start(command, &settings);
        let _silent = read_by_somebody(&pipe).await;
        program.interrupt().await;
        let (status, output) = program.end().await;
        assert_eq!(status.signal(), Some(Signal::INT.as_raw()), "{output}");
    }
}

/// Gives the providers a token endpoint that never answers.
async fn silence_provider(installation: &Installation) -> TcpListener {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", silent.local_addr().unwrap());
    installation.have_token_url(&url);
    silent
}

#[tokio::test]
async fn the_second_signal_ends_it_at_once_although_no_log_line_can_be_written() {
    let (installation, _) = Installation::with_key().await;
    let silent = silence_provider(&installation).await;
    let authid = installation.log_in("single-use");
    let mut environment = installation.environment();
    environment.retain(|(name, _)| *name != "AUTHSEAL_LISTEN");
    let address = format!("127.0.0.1:{}", free_port());
    environment.push(("AUTHSEAL_LISTEN", &address));
    let script = "exec \"$AUTHSEAL\" serve 2>/dev/full";
    let program = Program::of_script(script, &environment);
    eventually("it serves", async || {
        TcpStream::connect(&address).await.ok()
    })
    .await;
    let url = format!("http://{address}/refresh");
    let refresh =
        tokio::spawn(async move { crate::support::get(&url, &[("X-AuthID", &authid)]).await });
    let (mut call, _) = silent.accept().await.unwrap();
    call.read_exact(&mut [0; 16]).await.unwrap();

    program.terminate().await;
    // A second signal beside one that was not taken yet would be the same one.
    eventually("it takes no more connections", async || {
        TcpStream::connect(&address).await.err()
    })
    .await;
    program.terminate().await;
    assert_eq!(refresh.await.unwrap().status, 502);
    let (status, _) = program.end().await;
    assert_eq!(status.code(), Some(1));
}
