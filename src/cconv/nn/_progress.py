"""How far an epoch is: tqdm's bar where it is installed, else a plain line when it is done."""

import sys
import time


class Progress:
    """A context in which `advance` is called once per step."""

    def __init__(self, steps, text, wanted):
        self.steps, self.text, self.wanted = steps, text, wanted
        self.figures = {}
        self.bar = None
        if wanted:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return
            self.bar = tqdm(total=steps, desc=text, unit="step", file=sys.stderr)

    def __enter__(self):
        self.start = time.perf_counter()
        return self

    def advance(self, figures):
        self.figures = figures
        if self.bar is not None:
            self.bar.set_postfix(figures, refresh=False)
            self.bar.update()

    def show(self, figures):
        self.figures = figures
        if self.bar is not None:
            self.bar.set_postfix(figures)

    def __exit__(self, kind, error, traceback):
        if self.bar is not None:
            self.bar.close()
        elif self.wanted and kind is None:
            seconds = time.perf_counter() - self.start
            figures = "  ".join(f"{name} {value}" for name, value in self.figures.items())
            print(f"{self.text}  {self.steps} steps  {seconds:.1f} s  {figures}", file=sys.stderr, flush=True)
