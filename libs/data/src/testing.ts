export { startLossyProxy, type LossyProxy } from './testing/lossy-proxy.js';
export { startMinio, type Minio } from './testing/minio.js';
