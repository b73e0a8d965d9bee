"""Reports of the tools: the constants' calibration on them, and the errors against them."""
