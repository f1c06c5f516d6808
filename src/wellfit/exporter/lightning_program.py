"""The program in Lightning: the same network and recipe as in torch, in a LightningModule and a Trainer."""

from __future__ import annotations

from wellfit.exporter.facts import Facts
from wellfit.exporter.kinds import FORMS
from wellfit.exporter.recipe_code import changes, needs_ends, recipe_pieces, soft_strength
from wellfit.exporter.source import Piece, piece
from wellfit.exporter.torch_program import loss_piece, settle_piece, settles, step_pieces

_MODULE = '''
class Training(lightning.LightningModule):
    """A network and how it trains; it keeps the outputs on validation rows where their loss was least."""

    def __init__(self, encoder: Encoder, outputs: int) -> None:
        super().__init__()
        self.encoder = encoder #? image
        self.model = make_network(encoder, outputs) #? table
        self.model = make_network(outputs) #? image
        self.model = Network(outputs) #? text
        self.average = average_of(self.model) #? average
        self.automatic_optimization = False  # a step takes two gradients #? sam
        self.least, self.best = float("inf"), torch.zeros(0)
        self.mark, self.waited = float("inf"), 0 #? stopping

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return make_optimizer(self.model)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor: #! sam
        x, y = changed(*batch) #? changed_rows
        x, y, mix = changed(*batch) #? mix
        x, y = changed(self.encoder(batch[0]), batch[1]) #? changed_images
        x, y = changed(self.encoder(batch[0]), batch[1], self.encoder) #? ends
        x, y = batch #? plain
        x = self.encoder(x) #? plain_images
        return loss_of(self.model, x, y) #? loss
        return loss_of(self.model, x, y, mix) #? mix
    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> None: #? sam
        take_step(self.model, self.optimizers(), *batch) #? sam_rows
        x, y = batch #? sam_images
        take_step(self.model, self.optimizers(), self.encoder(x), yENDS) #? sam_images
    #? after
    def on_train_batch_end(self, *batch: object) -> None: #? after
        soften(self.model, self.trainer.optimizers[0]) #? soft
        bound(self.model) #? bound
        self.average.update_parameters(self.model) #? average

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        x, y = batch
        outputs = self.MODEL(x) #? table
        outputs = torch.cat([self.MODEL(part) for part in x.split(512)]) #? text
        outputs = torch.cat([self.MODEL(self.encoder(part)) for part in x.split(512)]) #? image
        loss = float(functional.mse_loss(outputs, y)) #? number
        loss = float(functional.cross_entropy(outputs, y)) #! number
        self.log("validation loss", loss)
        if loss < self.least:
            self.least, self.best = loss, outputs
        if self.global_step * BATCH < WARM_UP * len(self.trainer.train_dataloader.dataset.x): #? warm
            return #? warm
        self.waited = 0 if loss < self.mark - MIN_DELTA else self.waited + 1 #? stopping
        self.mark = min(self.mark, loss) if self.waited == 0 else self.mark #? stopping
        self.trainer.should_stop = self.waited >= PATIENCE #? stopping
    #? settle
    def on_validation_start(self) -> None: #? settle
        batches = iter(self.trainer.train_dataloader) #? settle
        settle(self.average, (INPUTS for x, _ in itertools.islice(batches, 8))) #? settle


class Batches(IterableDataset):
    """Full batches of rows, in a new order each epoch."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for rows in torch.randperm(len(self.x)).split(BATCH):
            if len(rows) == BATCH:
                yield self.x[rows], self.y[rows]


def train(
    encoder: Encoder, rows: tuple[np.ndarray, np.ndarray], valid: tuple[np.ndarray, np.ndarray], seed: int
) -> np.ndarray:
    """Train a network; returns its outputs on the validation rows where their loss was least."""
    lightning.seed_everything(seed, verbose=False)
    x, y, valid_x, valid_y = (torch.from_numpy(values) for values in (*rows, *valid))
    training = Training(encoder, y.shape[1])
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=STEPS,
        max_epochs=-1,
        val_check_interval=EVALUATE_EVERY,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        gradient_clip_val=CLIP_NORM, #? trainer_norm
        gradient_clip_val=CLIP_VALUE, #? trainer_value
        gradient_clip_algorithm="value", #? trainer_value
    )
    batches = DataLoader(Batches(x, y), batch_size=None)
    trainer.fit(training, batches, DataLoader([(valid_x, valid_y)], batch_size=None))
    return training.best.numpy().astype(np.float64)


# Lightning tells of each Trainer what hardware there is, and of each loader that it could have workers.
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")
'''


def lightning_missing(facts: Facts) -> list[str]:
    from wellfit.exporter.torch_program import torch_missing

    found = torch_missing(facts)
    if _both(facts):
        found.append("ClipValue: a Lightning trainer clips in one way only, and ClipNorm is in the recipe.")
    return found


def lightning_pieces(facts: Facts) -> list[Piece]:
    """The network, the recipe, the module and the trainer."""
    sam, settle = facts.has("SAM"), settles(facts)
    imports = [
        "from collections.abc import Iterator", "import lightning", "import logging", "import warnings",
        "import numpy as np", "from torch.utils.data import DataLoader, IterableDataset",
    ]  # fmt: skip
    imports += ["import itertools"] if settle else []
    made = piece(_MODULE, *imports, **_step_lines(facts), **_trainer_lines(facts))
    code = made.code.replace("MODEL(", "average(" if facts.has("EMA") else "model(")
    code = code.replace("INPUTS", "self.encoder(x)" if facts.kind == "image" else "x")
    module = Piece(code.replace("ENDS", ", self.encoder" if needs_ends(facts) else ""), made.imports)
    step = [*(step_pieces(facts) if sam else []), *([settle_piece()] if settle else [])]
    return [*FORMS[facts.kind].network_pieces(facts), *recipe_pieces(facts), loss_piece(facts), *step, module]


def _step_lines(facts: Facts) -> dict[str, bool]:
    """The lines of a training step that are kept."""
    sam, changed, images = facts.has("SAM"), changes(facts) and not facts.has("SAM"), facts.kind == "image"
    ends, mix = needs_ends(facts) and not sam, facts.has("WordMixup") and not sam
    return {
        "sam": sam, "sam_rows": sam and not images, "sam_images": sam and images, "mix": mix, "ends": ends,
        "changed_rows": changed and not images and not mix, "changed_images": changed and images and not ends,
        "plain": not changed and not sam, "plain_images": not changed and not sam and images,
        "loss": not sam and not mix, **{kind: facts.kind == kind for kind in FORMS},
    }  # fmt: skip


def _trainer_lines(facts: Facts) -> dict[str, bool]:
    """The lines around the steps that are kept."""
    stopping, average, clips = facts.has("EarlyStopping"), facts.has("EMA"), not facts.has("SAM")
    soft, bound = bool(soft_strength(facts)) and clips, facts.has("MaxNorm") and clips
    return {
        "soft": soft, "bound": bound, "average": average, "after": soft or bound or average,
        "settle": settles(facts), "stopping": stopping, "number": facts.regression,
        "warm": stopping and bool(facts.parts["EarlyStopping"].warm_up),
        "trainer_norm": clips and facts.has("ClipNorm"),
        "trainer_value": clips and facts.has("ClipValue") and not facts.has("ClipNorm"),
    }  # fmt: skip


def _both(facts: Facts) -> bool:
    return facts.has("ClipNorm") and facts.has("ClipValue") and not facts.has("SAM")
