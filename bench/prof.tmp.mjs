import { startEngine, tf, profileOps, summariseOps, exclusiveTimes } from '@captrain/engine';
import { Captioner, AdamW, languageModelConfig, mapperConfig, RandomStream } from '@captrain/model';
import { createRequire } from 'node:module';
import { flickr8kCaptions } from './dist/parity/captions.js';
const [variant='mlp', precision='float32']=process.argv.slice(2);
const { encode } = createRequire('/work/main/libs/model/package.json')('gpt-3-encoder');
await startEngine({device:'cpu'});
const config={...mapperConfig.parse({mapper:variant}),...languageModelConfig.parse({languageModel:'/tmp/b/gpt2small',freezeLanguageModel:variant==='transformer',dropout:0}),precision};
const c=await Captioner.create({config,embeddingDim:512,seed:1});
const opt=new AdamW(c.variables,{weightDecay:0,beta1:.9,beta2:.999,epsilon:1e-6});
const caps=flickr8kCaptions('/work/shared/data').map(t=>encode(t));
const E=new RandomStream(1,'e').normal(8*512,1);
const b=c.pack({embeddings:E,tokens:caps.slice(0,40),images:Array.from({length:40},(_,i)=>Math.floor(i/5))});
const step=()=>{const {lossSum,captionTokens,gradients}=c.gradientTensors(b);  opt.apply(gradients,{scale:1/captionTokens,learningRate:1e-4}); tf.dispose(gradients);};
for(let i=0;i<4;i++) step();
let best;
for(let i=0;i<4;i++){ const t=performance.now(); const {ops}=profileOps(step); const ms=performance.now()-t; if(!best||ms<best.ms) best={ms,ops}; }
console.log(variant,precision,'wall ms',best.ms.toFixed(0));
const rows=new Map();
for(const o of best.ops){ const k=o.op+' '+(o.inputs??''); const r=rows.get(k)??{n:0,us:0}; r.n++; r.us+=o.durationUs; rows.set(k,r);}
for(const [k,r] of [...rows].sort((a,b)=>b[1].us-a[1].us).slice(0,28)) console.log(String(r.n).padStart(4),(r.us/1000).toFixed(1).padStart(8),k.slice(0,150));
