//! The solver, a process that is asked about all requests at once.
//!
//! Cedar's symbolic compiler writes a question as SMT-LIB, and cvc5 answers it. Each question has a time of its own, and all
//! questions together have one. A solver that fails or takes too long is ended; the next question starts another.

use std::env;
use std::ffi::OsString;
use std::io;
use std::time::{Duration, Instant};

use cedar_policy::Policy;
use cedar_policy_symcc::err::{Error, SolverError};
use cedar_policy_symcc::solver::LocalSolver;
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, Env};
use countersign_core::policy::oracle::question::Question;
use tokio::process::Command;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::clock::stopwatch;

/// Why there are no proofs.
#[derive(Debug, thiserror::Error)]
pub enum NoSolver {
    /// There is no such program.
    #[error(
        "there is no solver, so nothing is proved: install cvc5 (Debian and Ubuntu: apt-get install cvc5; elsewhere: \
         github.com/cvc5/cvc5/releases), or name it in $CVC5"
    )]
    Missing,
    /// The program in `$CVC5`, or `cvc5`, does not start.
    #[error("the solver `{0}` does not start, so nothing is proved: {1}")]
    Fails(String, io::Error),
}

/// What a question is answered with.
#[derive(Debug)]
pub enum Answer {
    /// There is no such request.
    Never,
    /// There is one.
    Example(Box<Env>),
    /// The solver could not say, for this reason.
    Unknown(String),
}

/// The solver, or why there is none.
pub struct Solver(Result<Started, NoSolver>);

/// A solver that was started.
struct Started {
    runtime: Runtime,
    program: OsString,
    per_question: Duration,
    end: Instant,
    running: Option<CedarSymCompiler<LocalSolver>>,
}

impl Solver {
    /// Starts it: `$CVC5`, otherwise `cvc5` on the path.
    pub fn start(per_question: Duration, in_all: Duration) -> Self {
        Self(Started::start(per_question, in_all))
    }

    /// Why there is none.
    pub fn missing(&self) -> Option<&NoSolver> {
        self.0.as_ref().err()
    }

    /// Whether there is a request to which the first policy applies and the second, if there is one, does not.
    pub fn find(&mut self, question: &Question, applies: &Policy, and_not: Option<&Policy>) -> Answer {
        match &mut self.0 {
            Ok(started) => started.find(question, applies, and_not),
            Err(_) => Answer::Unknown("there is no solver".to_owned()),
        }
    }
}

impl Started {
    fn start(per_question: Duration, in_all: Duration) -> Result<Self, NoSolver> {
        let program = env::var_os("CVC5").filter(|name| !name.is_empty()).unwrap_or_else(|| "cvc5".into());
        let fails = |fault| NoSolver::Fails(program.to_string_lossy().into_owned(), fault);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(&fails)?;
        let now = stopwatch();
        let end = now.checked_add(in_all).unwrap_or(now);
        let mut solver = Self { runtime, program: program.clone(), per_question, end, running: None };
        match solver.compiler() {
            Ok(compiler) => {
                solver.running = Some(compiler);
                Ok(solver)
            }
            Err(fault) => Err(match *fault {
                Error::SolverError(SolverError::Io(fault)) if fault.kind() == io::ErrorKind::NotFound => {
                    NoSolver::Missing
                }
                Error::SolverError(SolverError::Io(fault)) => fails(fault),
                fault => fails(io::Error::other(fault.to_string())),
            }),
        }
    }

    fn find(&mut self, question: &Question, applies: &Policy, and_not: Option<&Policy>) -> Answer {
        let Some(left) = self.end.checked_duration_since(stopwatch()) else {
            return Answer::Unknown("the time for all questions is over".to_owned());
        };
        let limit = self.per_question.min(left);
        let mut compiler = match self.compiler() {
            Ok(compiler) => compiler,
            Err(fault) => return Answer::Unknown(fault.to_string()),
        };
        let asked = async {
            let compiled =
                |policy| CompiledPolicy::compile(policy, &question.environment, &question.schema).map_err(Box::new);
            let applies = compiled(applies)?;
            match and_not {
                None => compiler.check_never_matches_with_counterexample_opt(&applies).await.map_err(Box::new),
                Some(other) => {
                    let other = compiled(other)?;
                    compiler.check_matches_implies_with_counterexample_opt(&applies, &other).await.map_err(Box::new)
                }
            }
        };
        let answer = self.runtime.block_on(async { timeout(limit, asked).await });
        match answer {
            Ok(Ok(found)) => {
                self.running = Some(compiler);
                found.map_or(Answer::Never, |found| Answer::Example(Box::new(found)))
            }
            // The process may be in the middle of an answer, so it is not asked again.
            Ok(Err(fault)) => Answer::Unknown(fault.to_string()),
            Err(_) => Answer::Unknown(format!("no answer within {}s", limit.as_secs())),
        }
    }

    fn compiler(&mut self) -> Result<CedarSymCompiler<LocalSolver>, Box<Error>> {
        if let Some(running) = self.running.take() {
            return Ok(running);
        }
        let _guard = self.runtime.enter();
        let mut command = Command::new(&self.program);
        command.args(["--lang", "smt", "--strings-exp"]).kill_on_drop(true);
        let solver = LocalSolver::from_command(&mut command).map_err(|fault| Box::new(fault.into()))?;
        CedarSymCompiler::new(solver).map_err(Box::new)
    }
}
