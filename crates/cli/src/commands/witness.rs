//! `faramesh witness`: a witness of other hosts' ledgers. It cosigns what continues what it has seen, and
//! refuses everything else.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use faramesh_call::object;
use faramesh_ledger::LocalKeys;
use faramesh_verify::PublicKey;
use faramesh_witness::{Server, Witness};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::json;

/// What `witness` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Where to listen; another host reaches it through a proxy that speaks TLS
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4470")]
    listen: SocketAddr,
    /// The folder of its key and its memory; made when it is not there
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// Its name, which its key carries, such as `witness.example.com`
    #[arg(long, value_name = "NAME")]
    name: String,
    /// A ledger to witness: a file with its public key, such as `signing.pub` beside it; several times for
    /// several ledgers, or for the next key of one
    #[arg(long, value_name = "FILE", required = true)]
    trust: Vec<PathBuf>,
}

/// Answers until the process is ended.
///
/// # Errors
/// A key or the memory cannot be used, or the address cannot be had.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let trusted = arguments.trust.iter().map(|path| super::audit::read_key(path));
    let trusted: Vec<PublicKey> = trusted.collect::<Result<_, _>>()?;
    let folder = &arguments.state;
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::new(format!("cannot make {}: {error}", folder.display())))?;
    let keys = LocalKeys::open(folder, true).map_err(|error| Failure::new(error.to_string()))?;
    let signer = keys.signers().into_iter().next().ok_or_else(|| Failure::new("there is no key"))?;
    let origins: Vec<String> = trusted.iter().map(|key| key.name().to_owned()).collect();
    let witness = Witness::open(&arguments.name, signer, trusted, folder)
        .map_err(|error| Failure::new(error.to_string()))?;
    let key = witness.key().to_string();
    let server = Server::bind(arguments.listen, witness)
        .map_err(|error| Failure::new(format!("cannot listen on {}: {error}", arguments.listen)))?;
    let address = server.address().map_err(|error| Failure::new(error.to_string()))?;
    let value = json::versioned(object! {
        "event" => "ready",
        "address" => address.to_string(),
        "key" => key.as_str(),
        "ledgers" => origins.iter().map(String::as_str).collect::<faramesh_call::Value>(),
    });
    context.console.show(&value, |_| {
        let ledgers: Vec<String> = origins.iter().map(|origin| format!("  {origin}")).collect();
        format!(
            "a witness listens on http://{address}, of\n{}\nits key, for `key` in the policy and `--witness-key`:\n  {key}",
            ledgers.join("\n")
        )
    })?;
    server.run().map_err(|error| Failure::new(error.to_string()))?;
    Ok(Exit::Success)
}
