//! Options of `npc check` for the memory of models.

use crate::desk::MemoryRequest;
use clap::Args;

#[derive(Args, Clone)]
#[command(next_help_heading = "Memory")]
pub(super) struct MemoryOptions {
    /// Batch size for memory figures [default: that of the run that trains the model, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1 << 32))]
    batch: Option<u64>,
    /// Report the largest batch for this amount of memory, for example 8GB or 512MiB
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    memory: Option<u64>,
    /// Number of compute threads; each has its own buffers
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=1 << 16))]
    threads: u64,
}

impl MemoryOptions {
    /// Converts the options for the workbench.
    pub(super) fn request(&self) -> MemoryRequest {
        MemoryRequest { batch: self.batch, limit: self.memory, threads: self.threads }
    }
}

/// Converts `8GB`, `512 MiB` or `1.5g` to bytes. Units are decimal or binary; case is ignored.
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim());
    let scale: u128 = match unit.to_ascii_lowercase().as_str() {
        "" => {
            return Err(format!(
                "`{text}` has no unit; write for example {}GB or {}MiB",
                number_or_8(number),
                number_or_8(number)
            ));
        }
        "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(format!("unknown unit `{unit}`; the units are B, kB, MB, GB, TB, KiB, MiB, GiB and TiB")),
    };
    let unreadable = || format!("`{text}` is not an amount of memory; write for example 8GB, 1.5GB or 512MiB");
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if whole.len() > 18 || part.len() > 9 {
        return Err(unreadable());
    }
    let digits = |text: &str| text.parse::<u128>().map_err(|_| unreadable());
    let bytes = digits(whole)? * scale + digits(part)? * scale / 10u128.pow(part.len() as u32);
    match u64::try_from(bytes) {
        Ok(0) => Err(format!("`{text}` is zero, but the amount of memory must be positive")),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(format!("`{text}` is more than 2^64 bytes")),
    }
}

fn number_or_8(number: &str) -> &str {
    if number.is_empty() { "8" } else { number }
}
