import { startEngine, tf, memory } from '@captrain/engine';
import { Captioner, AdamW, languageModelConfig, mapperConfig, RandomStream } from '@captrain/model';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { flickr8kCaptions } from './dist/parity/captions.js';
const { encode } = createRequire('/work/main/libs/model/package.json')('gpt-3-encoder');
const vm=(l)=>{const s=readFileSync('/proc/self/status','utf8');const g=k=>(/(\d+)/.exec(new RegExp(k+':\\s+(\\d+)').exec(s)[0].slice(k.length))[1]/1e6).toFixed(2); console.log(l,'HWM',g('VmHWM'),'RSS',g('VmRSS'),'anon',g('RssAnon'),'file',g('RssFile'), 'node', (process.memoryUsage().external/1e9).toFixed(2),(process.memoryUsage().heapUsed/1e9).toFixed(2));};
vm('node');
await startEngine({device:'cpu'});vm('engine');
const config={...mapperConfig.parse({mapper:'mlp'}),...languageModelConfig.parse({languageModel:'/tmp/b/gpt2small',dropout:0}),precision:process.argv[2]??'float32'};
const c=await Captioner.create({config,embeddingDim:512,seed:1});vm('captioner');
const opt=new AdamW(c.variables,{weightDecay:0,beta1:.9,beta2:.999,epsilon:1e-6});vm('adamw');
const caps=flickr8kCaptions('/work/shared/data').map(t=>encode(t)); vm('captions');
const E=new RandomStream(1,'e').normal(8*512,1);
const b=c.pack({embeddings:E,tokens:caps.slice(0,40),images:Array.from({length:40},(_,i)=>Math.floor(i/5))});
for(let i=0;i<3;i++){ const {gradients,captionTokens}=c.gradientTensors(b); vm('gradient '+i); opt.apply(gradients,{scale:1/captionTokens,learningRate:1e-4}); vm('apply'); tf.dispose(gradients);}
