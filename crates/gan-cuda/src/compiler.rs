//! Compiles kernels to machine code by NVRTC, and keeps it.

use crate::CudaError;
use crate::launch::{KernelFile, Module};
use crate::libraries::{self, Places};
use cudarc::nvrtc::sys;
use std::ffi::{CStr, CString};
use std::path::PathBuf;

/// What a module's text begins with on a GPU.
const PRELUDE: &str = include_str!("kernels/prelude.cu");

/// NVRTC for one kind of GPU.
pub struct Compiler {
    /// Such as 90.
    architecture: u32,
    version: (i32, i32),
    /// Where machine code is kept; `None` keeps it nowhere.
    cache: Option<PathBuf>,
}

/// Machine code, and what the assembler says about it.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// An ELF file.
    pub cubin: Vec<u8>,
    /// Empty, if it comes from the cache.
    pub log: String,
}

impl Compiler {
    /// NVRTC for GPUs of a compute capability, such as 90 for 9.0, of a CUDA that is not newer than `newest`.
    ///
    /// # Errors
    /// [`CudaError::Missing`] when NVRTC is not found.
    pub fn new(
        places: &Places,
        newest: u32,
        architecture: u32,
        cache: Option<PathBuf>,
    ) -> Result<Self, CudaError> {
        libraries::open_nvrtc(places, newest)?;
        let (mut major, mut minor) = (0, 0);
        // SAFETY: the library is open, and the two numbers are written to.
        #[allow(unsafe_code)]
        check("nvrtcVersion", unsafe {
            sys::nvrtcVersion(&raw mut major, &raw mut minor)
        })?;
        Ok(Self {
            architecture,
            version: (major, minor),
            cache,
        })
    }

    /// NVRTC's version.
    pub fn version(&self) -> (i32, i32) {
        self.version
    }

    /// A module's machine code, from the cache if it is there.
    ///
    /// # Errors
    /// [`CudaError::Compile`] with the compiler's words.
    pub fn compile(&self, module: &Module) -> Result<Compiled, CudaError> {
        let kept = self
            .cache
            .as_ref()
            .map(|cache| cache.join(self.name(module)));
        if let Some(path) = &kept
            && let Ok(cubin) = std::fs::read(path)
            && cubin.starts_with(b"\x7fELF")
        {
            let log = String::new();
            return Ok(Compiled { cubin, log });
        }
        let compiled = self.compile_anew(module)?;
        if let Some(path) = kept
            && let Err(error) = keep(&path, &compiled.cubin)
        {
            tracing::debug!("{}: not kept: {error}", path.display());
        }
        Ok(compiled)
    }

    /// A file's name in the cache: what the code is made of, for what and by what.
    fn name(&self, module: &Module) -> String {
        let (major, minor) = self.version;
        let options = self.options(module).join(" ");
        let hash = module.sha256(&format!("{options}\n{PRELUDE}"));
        let (file, sm) = (module.file.name(), self.architecture);
        format!("{file}-sm{sm}-nvrtc{major}.{minor}-{hash}.cubin")
    }

    fn options(&self, module: &Module) -> Vec<String> {
        let mut options = vec![
            format!("-arch=sm_{}", self.architecture),
            "-std=c++17".to_string(),
            "-Xptxas".to_string(),
            "-v".to_string(),
        ];
        // The CPU's random numbers come from operations that are rounded one by one.
        if module.file == KernelFile::Random {
            options.push("-fmad=false".to_string());
        }
        options
    }

    fn compile_anew(&self, module: &Module) -> Result<Compiled, CudaError> {
        let source = format!("{}\n{PRELUDE}\n{}", first_line(module), module.source());
        let refused = |log: String| CudaError::Compile {
            kernel: module.file.name(),
            log,
        };
        let text = |text: String| CString::new(text).map_err(|error| refused(error.to_string()));
        let (source, name) = (text(source)?, text(format!("{}.cu", module.file.name()))?);
        let options = self.options(module).into_iter().map(text);
        let options = options.collect::<Result<Vec<_>, _>>()?;
        let program = Program::new(&source, &name)?;
        let done = program.compile(&options);
        let log = program.log()?;
        match done {
            true => Ok(Compiled {
                cubin: program.cubin()?,
                log,
            }),
            false => Err(refused(log)),
        }
    }
}

/// The number of threads, which the prelude needs.
fn first_line(module: &Module) -> String {
    format!("#define THREADS {}", module.threads)
}

/// Writes a file whole, as several processes may do at once.
fn keep(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    gan_core::write_atomically(path, |file| std::io::Write::write_all(file, bytes))
}

/// One program of NVRTC's.
struct Program(sys::nvrtcProgram);

impl Program {
    #[allow(unsafe_code)]
    fn new(source: &CStr, name: &CStr) -> Result<Self, CudaError> {
        let mut program = std::ptr::null_mut();
        let (none, nothing) = (std::ptr::null(), std::ptr::null());
        // SAFETY: both texts end with a zero and live for the call, which copies them; there are no headers.
        let result = unsafe {
            sys::nvrtcCreateProgram(
                &raw mut program,
                source.as_ptr(),
                name.as_ptr(),
                0,
                none,
                nothing,
            )
        };
        check("nvrtcCreateProgram", result)?;
        Ok(Self(program))
    }

    /// Whether it compiles; if not, the log says why.
    #[allow(unsafe_code)]
    fn compile(&self, options: &[CString]) -> bool {
        let pointers: Vec<_> = options.iter().map(|option| option.as_ptr()).collect();
        let count = i32::try_from(pointers.len()).unwrap_or(0);
        // SAFETY: the program was created and is not destroyed; there are `count` texts, each ends with a zero.
        let result = unsafe { sys::nvrtcCompileProgram(self.0, count, pointers.as_ptr()) };
        result == sys::nvrtcResult::NVRTC_SUCCESS
    }

    #[allow(unsafe_code)]
    fn log(&self) -> Result<String, CudaError> {
        let mut size = 0;
        // SAFETY: the program was created; the size is written to.
        check("nvrtcGetProgramLogSize", unsafe {
            sys::nvrtcGetProgramLogSize(self.0, &raw mut size)
        })?;
        let mut bytes = vec![0_u8; size];
        // SAFETY: there is room for as many bytes as it asked for.
        check("nvrtcGetProgramLog", unsafe {
            sys::nvrtcGetProgramLog(self.0, bytes.as_mut_ptr().cast())
        })?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.trim_matches(['\0', '\n', ' ']).to_string())
    }

    #[allow(unsafe_code)]
    fn cubin(&self) -> Result<Vec<u8>, CudaError> {
        let mut size = 0;
        // SAFETY: the program is compiled for a real architecture; the size is written to.
        check("nvrtcGetCUBINSize", unsafe {
            sys::nvrtcGetCUBINSize(self.0, &raw mut size)
        })?;
        let mut bytes = vec![0_u8; size];
        // SAFETY: there is room for as many bytes as it asked for.
        check("nvrtcGetCUBIN", unsafe {
            sys::nvrtcGetCUBIN(self.0, bytes.as_mut_ptr().cast())
        })?;
        Ok(bytes)
    }
}

impl Drop for Program {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: the program was created, and nobody uses it any more.
        unsafe { sys::nvrtcDestroyProgram(&raw mut self.0) };
    }
}

fn check(call: &'static str, result: sys::nvrtcResult) -> Result<(), CudaError> {
    match result {
        sys::nvrtcResult::NVRTC_SUCCESS => Ok(()),
        other => Err(CudaError::Failed {
            call,
            cause: format!("{other:?}"),
        }),
    }
}
