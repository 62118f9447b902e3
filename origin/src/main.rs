//! The binary: `vitrine-origin [--config FILE] migrate | seed | serve`.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use vitrine_origin::config::Config;
use vitrine_origin::seed::{self, Admin, SeedOptions, ToldIds};
use vitrine_origin::{AppState, database, serve};

/// Vitrine's origin: the shop behind the proxy.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file.
    #[arg(long, default_value = "config/origin.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring the schema up to date.
    Migrate,
    /// Load the demo shop, or what is missing of it.
    Seed {
        /// How many products the shop shall have at least.
        #[arg(long, default_value_t = 1_000)]
        products: u64,
        /// Ids to give, as JSON by prefix and natural key: those of another shop of the same data set, to compare both.
        #[arg(long, hide = true)]
        ids: Option<PathBuf>,
    },
    /// Serve the shop.
    Serve,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let _logging = vitrine_shared::telemetry::init("info");
    match start(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vitrine-origin: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&arguments.config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let state = AppState::new(config)?;
        match &arguments.command {
            Command::Migrate => database::MIGRATOR.run(&state.pool).await?,
            Command::Seed { products, ids } => load_shop(&state, *products, ids.as_deref()).await?,
            Command::Serve => serve::run(state, serve::stop_signal()).await?,
        }
        Ok(())
    })
}

/// Loads the demo shop, and the pictures into the bucket.
async fn load_shop(state: &AppState, products: u64, ids: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let settings = &state.config.seed;
    if settings.publishable_key.is_empty() {
        return Err("seed: `seed.publishable_key` is empty; set PUBLISHABLE_KEY".into());
    }
    let admin = (!settings.admin_email.is_empty() && !settings.admin_password.is_empty())
        .then(|| Admin { email: settings.admin_email.clone(), password: settings.admin_password.clone() });
    let options = SeedOptions {
        products,
        media_base_url: state.config.files.base_url.trim_end_matches('/').to_owned(),
        publishable_key: settings.publishable_key.clone(),
        admin,
        created_at: seed::CREATED_AT,
    };
    let ids = match ids {
        Some(file) => read_ids(file)?,
        None => ToldIds::default(),
    };
    seed::run(&state.pool, Some(state.files.as_ref()), &ids, &options).await?;
    Ok(())
}

fn read_ids(file: &Path) -> Result<ToldIds, Box<dyn Error>> {
    let failed = |error: &dyn fmt::Display| format!("seed: cannot read {}: {error}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
    Ok(serde_json::from_str(&text).map_err(|error| failed(&error))?)
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
