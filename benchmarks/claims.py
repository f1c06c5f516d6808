"""scratch"""
import sys, time, warnings
import torch
warnings.simplefilter("ignore")
torch.set_num_threads(1)
import importlib
mod=importlib.import_module(sys.argv[1])
for c in mod.CLAIMS:
    if len(sys.argv)>2 and c.name not in sys.argv[2:]: continue
    b=time.time(); f=c.measure(); print(c.name, "|", f.figure, "|", f.verdict, "|", round(time.time()-b,1), flush=True)
