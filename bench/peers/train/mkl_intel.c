/* Preloaded into PyTorch: MKL takes its fast paths on processors of other makers only where this says yes. */
int mkl_serv_intel_cpu_true(void) { return 1; }
