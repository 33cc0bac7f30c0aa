//! Compresses the files of the pages at build time. API Gateway does not compress, and a starting process has no time
//! for it.

use std::{
    env,
    error::Error,
    fs,
    io::{Cursor, Read as _, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

/// The files of Swagger UI that the documentation page uses.
const SWAGGER_UI: [&str; 2] = ["swagger-ui-bundle.js", "swagger-ui.css"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let descriptions = ["../../shared/openapi.json", "../../shared/asyncapi.json"].map(PathBuf::from);
    let mut files = descriptions.to_vec();
    for entry in fs::read_dir("static")? {
        files.push(entry?.path());
    }
    for file in files {
        let name = file.file_name().ok_or("a file without a name")?;
        compress(&out, &name.to_string_lossy(), &fs::read(&file)?)?;
    }
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    for index in 0..archive.len() {
        let mut file = archive.by_index(index)?;
        let path = file.name()?.into_owned();
        if let Some(name) = SWAGGER_UI.iter().find(|name| path.ends_with(&format!("/dist/{name}"))) {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            compress(&out, name, &bytes)?;
        }
    }
    println!("cargo::rerun-if-changed=static");
    for description in descriptions {
        println!("cargo::rerun-if-changed={}", description.display());
    }
    Ok(())
}

fn compress(out: &Path, name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    fs::write(out.join(format!("{name}.gz")), encoder.finish()?)?;
    Ok(())
}
