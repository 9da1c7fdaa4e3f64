//! Finds and opens the libraries of CUDA at run time: the driver's, which comes with it, and NVRTC, the compiler.

use crate::CudaError;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The versions of NVRTC that are used, the newest first.
const NVRTC_MAJORS: [u32; 2] = [13, 12];

/// The folders of libraries in a CUDA toolkit.
const IN_TOOLKIT: [&str; 3] = ["lib64", "lib", "targets/x86_64-linux/lib"];
/// Those of PyPI's packages in a folder of Python's packages.
const IN_PACKAGES: [&str; 3] = [
    "nvidia/cu13/lib",
    "nvidia/cuda_nvrtc/lib",
    "nvidia/cu12/lib",
];

/// Where libraries are looked for, in this order.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// CUDA toolkits.
    pub toolkits: Vec<PathBuf>,
    /// Folders of Python's packages.
    pub packages: Vec<PathBuf>,
}

/// NVRTC's two files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nvrtc {
    /// The compiler.
    pub compiler: PathBuf,
    /// What it opens by name while it compiles.
    pub builtins: PathBuf,
}

impl Places {
    /// CUDA_HOME, CUDA_PATH, /usr/local/cuda* and /opt/cuda; the packages of the active virtual environment and of
    /// `python3`.
    pub fn of_this_machine() -> Self {
        let set = |name: &str| env::var_os(name).filter(|value: &OsString| !value.is_empty());
        let mut toolkits: Vec<PathBuf> = ["CUDA_HOME", "CUDA_PATH"]
            .into_iter()
            .filter_map(set)
            .map(PathBuf::from)
            .collect();
        toolkits.extend(children(Path::new("/usr/local"), "cuda"));
        toolkits.push("/opt/cuda".into());
        let environments = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(set);
        let mut packages: Vec<PathBuf> = environments
            .flat_map(|root| children(&PathBuf::from(root).join("lib"), "python3"))
            .map(|python| python.join("site-packages"))
            .collect();
        packages.extend(pythons_own());
        Self { toolkits, packages }
    }

    /// NVRTC with its builtins in the same folder, of a CUDA that is not newer than `newest`.
    pub fn nvrtc(&self, newest: u32) -> Option<Nvrtc> {
        let mut folders = self.folders();
        folders.find_map(|folder| {
            let known = NVRTC_MAJORS.iter().filter(|major| **major <= newest);
            known.into_iter().find_map(|major| {
                let compiler = folder.join(format!("libnvrtc.so.{major}"));
                let beginning = format!("libnvrtc-builtins.so.{major}.");
                let builtins = children(&folder, &beginning).pop()?;
                compiler.is_file().then_some(Nvrtc { compiler, builtins })
            })
        })
    }

    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        let inside = |roots: &[PathBuf], parts: [&str; 3]| -> Vec<PathBuf> {
            let all = roots
                .iter()
                .flat_map(|root| parts.map(|part| root.join(part)));
            all.collect()
        };
        let toolkits = inside(&self.toolkits, IN_TOOLKIT);
        toolkits
            .into_iter()
            .chain(inside(&self.packages, IN_PACKAGES))
    }

    /// The places in words.
    fn described(&self) -> String {
        let all = self.toolkits.iter().chain(&self.packages);
        let all: Vec<String> = all.map(|path| path.display().to_string()).collect();
        all.join(", ")
    }
}

/// What lies in a folder and is named so, in the order of names.
fn children(folder: &Path, beginning: &str) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else {
        return Vec::new();
    };
    let is_named = |path: &PathBuf| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        name.is_some_and(|name| name.starts_with(beginning))
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = paths.filter(is_named).collect();
    found.sort();
    found
}

/// The folders in which `python3` finds packages.
fn pythons_own() -> Vec<PathBuf> {
    let printed = Command::new("python3")
        .args(["-c", "import sys; print('\\n'.join(sys.path))"])
        .output();
    let Ok(printed) = printed else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&printed.stdout);
    let is_of_packages =
        |path: &PathBuf| path.ends_with("site-packages") || path.ends_with("dist-packages");
    text.lines()
        .map(PathBuf::from)
        .filter(is_of_packages)
        .collect()
}

/// Opens NVRTC, once for the process.
///
/// # Errors
/// [`CudaError::Missing`] with the places where it was looked for.
pub(crate) fn open_nvrtc(places: &Places, newest: u32) -> Result<Nvrtc, CudaError> {
    static OPENED: OnceLock<Nvrtc> = OnceLock::new();
    if let Some(nvrtc) = OPENED.get() {
        return Ok(nvrtc.clone());
    }
    let Some(nvrtc) = places.nvrtc(newest) else {
        return Err(CudaError::Missing(format!(
            "NVRTC, CUDA's compiler, is missing: no libnvrtc.so.13 or .12 with its builtins in {}; install the CUDA \
             toolkit, or `pip install nvidia-cuda-nvrtc`",
            places.described()
        )));
    };
    // The compiler opens its builtins by name, which finds what is open already.
    for path in [&nvrtc.builtins, &nvrtc.compiler] {
        keep_open(path)?;
    }
    Ok(OPENED.get_or_init(|| nvrtc).clone())
}

/// Opens a library for the rest of the process, and for whoever asks for it by name.
fn keep_open(path: &Path) -> Result<(), CudaError> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    // SAFETY: the libraries of CUDA may be loaded by any thread; what they do then is theirs. They stay.
    #[allow(unsafe_code)]
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) };
    match library {
        Ok(library) => {
            std::mem::forget(library);
            Ok(())
        }
        Err(error) => Err(CudaError::Missing(format!(
            "{}: cannot be opened: {error}",
            path.display()
        ))),
    }
}

/// Whether the driver's library can be opened.
///
/// # Errors
/// [`CudaError::Missing`]
pub(crate) fn check_driver() -> Result<(), CudaError> {
    // SAFETY: as above; cudarc looks for the same names.
    #[allow(unsafe_code)]
    let is_present = unsafe { cudarc::driver::sys::is_culib_present() };
    match is_present {
        true => Ok(()),
        false => Err(CudaError::Missing(
            "the NVIDIA driver is missing: the loader finds no libcuda.so.1; install the driver, or train with \
             `device = cpu`"
                .to_string(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }

    #[test]
    fn nvrtc_is_found_with_its_builtins_in_toolkits_before_packages() {
        let folder = tempfile::tempdir().unwrap();
        let (toolkit, packages) = (folder.path().join("cuda"), folder.path().join("packages"));
        let places = Places {
            toolkits: vec![toolkit.clone()],
            packages: vec![packages.clone()],
        };
        assert_eq!(places.nvrtc(13), None);
        let in_packages = packages.join("nvidia/cu13/lib");
        touch(&in_packages.join("libnvrtc.so.13"));
        assert_eq!(places.nvrtc(13), None, "no builtins");
        touch(&in_packages.join("libnvrtc-builtins.so.13.0"));
        let found = places.nvrtc(13).unwrap();
        assert_eq!(found.compiler, in_packages.join("libnvrtc.so.13"));
        assert_eq!(
            found.builtins,
            in_packages.join("libnvrtc-builtins.so.13.0")
        );
        let in_toolkit = toolkit.join("lib64");
        touch(&in_toolkit.join("libnvrtc.so.12"));
        touch(&in_toolkit.join("libnvrtc-builtins.so.12.9"));
        touch(&in_toolkit.join("libnvrtc.so.13"));
        touch(&in_toolkit.join("libnvrtc-builtins.so.13.0"));
        let of_driver_12 = places.nvrtc(12).unwrap();
        assert_eq!(of_driver_12.compiler, in_toolkit.join("libnvrtc.so.12"));
        assert_eq!(
            places.nvrtc(13).unwrap().compiler,
            in_toolkit.join("libnvrtc.so.13")
        );
    }

    #[test]
    fn the_places_of_a_search_are_named() {
        let places = Places {
            toolkits: vec!["/nowhere/cuda".into()],
            packages: vec!["/nowhere/packages".into()],
        };
        assert_eq!(places.described(), "/nowhere/cuda, /nowhere/packages");
    }
}
