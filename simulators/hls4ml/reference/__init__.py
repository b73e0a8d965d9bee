"""Reports of Vivado HLS: the constants' calibration on them, and the errors against them."""
